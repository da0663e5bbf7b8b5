"""The PRISMA flow, counted from the data, in a form whose sums must add up."""

from review.flow.arms import Arm, Previous
from review.flow.count import count_flow
from review.flow.known import Before, Known, Screening
from review.flow.model import Flow

__all__ = ["Arm", "Before", "Flow", "Known", "Previous", "Screening", "count_flow"]
