"""The phrases of the simulated literature: how each true tag may show in a text.

Some mentions are plain, some oblique; backgrounds name methods that the study does not use. That
is what makes the texts hard enough: a rule that trusts every word is wrong now and then. Tags are
plain strings, those of the codebook nlp-medicine; nothing here knows how they will be judged.
"""

METHODS: dict[str, tuple[str, ...]] = {
    "rule_based": (
        "a lexicon with hand-written patterns", "regular expressions curated by two clinicians",
        "a rule-based pipeline", "an expert system of if-then statements",
        "string lookups against a curated term list",
    ),
    "classical_ml": (
        "a support vector machine over n-grams", "logistic regression on TF-IDF features",
        "conditional random fields", "random forests", "a topic model",
        "a linear classifier on counts of words",
    ),
    "neural": (
        "a bidirectional LSTM", "convolutional neural networks", "word2vec vectors and a GRU",
        "a graph neural network", "a recurrent network learned from scratch",
        "a small attention network without any pretraining",
    ),
    "pretrained_encoder": (
        "BioBERT", "a fine-tuned BERT model", "PubMedBERT", "RoBERTa", "a sentence encoder",
        "a bidirectional transformer pretrained on abstracts",
    ),
    "pretrained_seq2seq": (
        "a fine-tuned T5 model", "BART", "PEGASUS", "an encoder-decoder network",
        "a neural machine translation system",
    ),
    "generative_llm": (
        "GPT-4", "ChatGPT", "a large language model", "LLaMA-2 with a short prompt", "an LLM",
        "Gemini and Claude", "a conversational assistant that completes free text",
        "an instruction-following text generator behind a chat window",
    ),
}  # fmt: skip

TASKS: dict[str, tuple[str, ...]] = {
    "question_answering": ("question answering", "answering patient questions",
                           "responding to what families ask"),
    "dialogue": ("a dialogue system", "chatbot consultations", "talking patients through intake"),
    "summarization": ("summarization", "summarizing long charts", "condensing hospital courses"),
    "report_generation": ("report generation", "drafting discharge letters",
                          "writing the first version of visit notes"),
    "simplification_translation": ("text simplification", "translation of leaflets",
                                   "rewriting instructions for lay readers"),
    "named_entity_recognition": ("named entity recognition", "recognition of drug mentions",
                                 "marking spans that name a problem"),
    "relation_extraction": ("relation extraction", "extraction of drug-event relations",
                            "finding which drug caused which event"),
    "concept_normalization": ("concept normalization", "automatic ICD coding",
                              "linking phrases to SNOMED concepts"),
    "information_extraction": ("information extraction", "extraction of smoking status",
                               "filling registry fields from free text"),
    "text_classification": ("text classification", "classification of referral letters",
                            "sorting messages by topic"),
    "clinical_decision_support": ("clinical decision support", "differential diagnosis",
                                  "advice on the next step of care"),
    "outcome_prediction": ("outcome prediction", "prediction of readmission",
                           "estimating who will come back within a month"),
    "retrieval": ("information retrieval", "matching patients to trials",
                  "finding the passage that settles a matter"),
    "medical_education": ("medical education", "licensing examination questions",
                          "tutoring of students before their boards"),
    "public_health": ("public health surveillance", "monitoring of vaccine misinformation",
                      "early signals of outbreaks"),
}  # fmt: skip

DATA: dict[str, tuple[str, ...]] = {
    "ehr": ("electronic health records", "clinical notes of a teaching hospital", "discharge summaries",
            "charts of four wards"),
    "report": ("radiology reports", "pathology reports", "dictated CT findings"),
    "literature": ("PubMed abstracts", "biomedical articles", "papers on rare diseases"),
    "social_web": ("tweets", "posts from a patient forum", "messages on social media",
                   "what people write online"),
    "exam": ("exam questions", "board-style multiple-choice items", "a bank of test items"),
    "vignette": ("clinical vignettes", "hypothetical cases written by the authors",
                 "constructed scenarios"),
    "dialogue": ("recorded consultations", "transcripts of visits", "doctor-patient conversations"),
    "knowledge_graph": ("a knowledge graph", "an ontology of findings"),
}  # fmt: skip

EVALUATION: dict[str, tuple[str, ...]] = {
    "task_metric": ("F1 rose from {a} to {b}", "accuracy was {b} %", "the AUC reached .{b}",
                    "it was right in {b} of 100 cases"),
    "overlap_metric": ("ROUGE-L was .{a}", "BLEU reached {a}", "BERTScore was .{b}"),
    "human_accuracy": ("two physicians rated correctness", "experts judged the factual accuracy",
                       "clinicians found errors of fact in {c} % of outputs"),
    "human_relevance": ("users rated usefulness", "nurses preferred its answers",
                        "raters called the quality of responses high"),
    "human_fluency": ("raters found it fluent", "empathy was scored higher than for doctors",
                      "the wording was judged clear"),
    "safety": ("potential harm was assessed", "unsafe advice occurred in {c} %",
               "each output was screened for danger to patients"),
    "bias": ("we tested for bias between groups", "performance differed by gender and ethnicity",
             "fairness was examined"),
    "agreement": ("inter-rater agreement was substantial (kappa .{b})",
                  "repeated runs were consistent", "two coders concurred in most cases"),
    "efficiency": ("it cut the time per case by {c} minutes", "cost per note fell",
                   "it runs on one laptop"),
}  # fmt: skip

SPECIALTIES: dict[str, tuple[str, str]] = {
    "radiology": ("radiology", "Radiology"), "oncology": ("oncology", "Neoplasms"),
    "psychiatry": ("mental health care", "Mental Health"), "cardiology": ("cardiology", "Cardiology"),
    "emergency": ("the emergency department", "Emergency Medicine"),
    "pediatrics": ("pediatrics", "Pediatrics"), "pharmacy": ("drug safety", "Pharmacovigilance"),
    "general": ("routine care", "Delivery of Health Care"),
}  # fmt: skip

BACKGROUND = (
    "{Place} produces more text than anyone can read.",
    "Rules and dictionaries have long been used for {task}, at great cost.",
    "Large language models have drawn much attention lately.",
    "Earlier work relied on support vector machines and careful features.",
    "It is unclear how far free text in {place} can be used.",
    "Recurrent networks were the standard for {task} until recently.",
    "Teams in {place} ask for help with {task}.",
    "Reports of hallucination have dampened early hopes.",
)
AIM = (
    "We studied {task} in {place} with {method}.",
    "We aimed to improve {task} and applied {method} to {data}.",
    "Here {method} is used for {task}.",
    "The purpose was {task}; {method} did the work.",
    "This study develops and assesses {method} for {task} in {place}.",
)
MATERIAL = (
    "The material was {n} items from {data}.",
    "We drew on {data} ({n} items).",
    "{n} documents came from {data}.",
    "All texts stem from {data}.",
)
COMPARE = ("{other} served as a comparison.", "Results were set against {other}.",
           "We also ran {other} on the same texts.")  # fmt: skip
RAG = (
    "Retrieval-augmented generation supplied {source}.",
    "A RAG pipeline fetched {source} first.",
    "Before it answers, the system is handed the best passages from {source}.",
)
RAG_SOURCES = {"guideline": "clinical guidelines", "literature": "PubMed abstracts",
               "textbook": "textbooks", "custom_documents": "documents of the institution"}  # fmt: skip
RAG_RETRIEVAL = {"dense": "Passages were ranked by dense embeddings.",
                 "sparse": "BM25 ranked the passages.",
                 "hybrid": "A hybrid of BM25 and embeddings ranked them.",
                 "not_reported": ""}  # fmt: skip
RESULT = (
    "In the held-out set {result}.",
    "As to results, {result}.",
    "{Result}.",
    "Overall, {result}.",
)
CLOSE = (
    "Further work should include more sites.",
    "The approach may help in {place}.",
    "Code is available on request.",
    "These findings call for a prospective study.",
    "Whether this holds elsewhere is open.",
)
TITLES = (
    "{Method} for {task} in {place}",
    "{Task} with {method}: a study of {data}",
    "Towards {task} in {place}",
    "{Task} from {data}",
    "How well does {method} serve {task}?",
    "{Place}: {task} revisited",
)
REVIEW_TITLES = ("{Task} in {place}: a systematic review", "A survey of language technology for {task}",
                 "What is known about {task} in {place}? A scoping review")  # fmt: skip
OPINION_TITLES = ("Editorial: {task} and the trust of patients", "Viewpoint: who answers for {task}?",
                  "{Method} in {place}: a commentary")  # fmt: skip
OUTSIDE = (
    ("Yield of {n} plots of barley under drought", "We measured yield in {n} plots. Water was scarce "
     "and the language of the report is plain. Yields fell by {c} %."),
    ("Sentiment in reviews of {n} restaurants", "We apply BERT to restaurant reviews. Accuracy was {b} %. "
     "Language models help owners to read what guests write."),
    ("Blood pressure in {n} adults after salt reduction", "A cohort of {n} adults ate less salt. "
     "Patients were seen at three visits. Pressure fell by {c} mmHg."),
    ("Neural translation of parliamentary debates", "We train a neural machine translation system on "
     "debates. BLEU reached {a}. Texts are public."),
    ("A trial of two sutures in {n} operations", "Surgeons were randomized. Healing did not differ. "
     "Notes were kept on paper and no text was analysed."),
    ("Large language models for contract law", "GPT-4 reads {n} contracts. It was right in {b} of 100 "
     "cases. Lawyers rated usefulness."),
)  # fmt: skip
FAMILIES = (
    "Almeida", "Bakker", "Chen", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ibrahim", "Jansen",
    "Kowalski", "Lindqvist", "Müller", "Nguyen", "Okafor", "Petrov", "Quispe", "Rossi", "Sato", "Tanaka",
    "Ueda", "van der Meer", "Wang", "Xu", "Yilmaz", "Zhang", "O'Brien", "Novák", "Silva", "Khan",
)  # fmt: skip
GIVEN = (
    "Anna", "Boris", "Chloé", "Daniel", "Elena", "Farid", "Greta", "Hiro", "Ines", "João", "Kim", "Lars",
    "Mei", "Nadia", "Omar", "Paula", "Quentin", "Rosa", "Sven", "Thea", "Uma", "Victor", "Wei", "Yara",
)  # fmt: skip
PLACES = (
    ("University of Northgate", "USA", "US"), ("Harbour Medical School", "United Kingdom", "GB"),
    ("Lakeside University Hospital", "Switzerland", "CH"), ("Institute of Care Research", "Germany", "DE"),
    ("Eastern Technical University", "China", "CN"), ("National Hospital of the South", "Singapore", "SG"),
    ("Faculty of Health, Riverton", "Canada", "CA"), ("Centro de Saúde do Vale", "Brazil", "BR"),
)  # fmt: skip
JOURNALS = (
    ("Simulated Journal of Medical Language", "Simul J Med Lang"),
    ("Simulated Annals of Health Informatics", "Simul Ann Health Inform"),
    ("Simulated Clinical Computing", "Simul Clin Comput"),
    ("Simulated Proceedings on Text and Care", "Simul Proc Text Care"),
)
PREPRINTS = "Simulated medRxiv preprint server"
