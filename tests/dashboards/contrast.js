() => {
  const parse = c => { const m = c.match(/[\d.]+/g); if(!m) return null; const v=m.map(Number); return c.startsWith('color(srgb') ? [v[0]*255,v[1]*255,v[2]*255,v[3]??1] : [v[0],v[1],v[2],v[3]??1]; };
  const lum = ([r,g,b]) => { const f=x=>{x/=255; return x<=.03928? x/12.92 : ((x+.055)/1.055)**2.4}; return .2126*f(r)+.7152*f(g)+.0722*f(b); };
  const over = (a,b) => [0,1,2].map(i=>a[i]*a[3]+b[i]*(1-a[3]));
  const back = e => { const stack=[]; while(e){ const c=parse(getComputedStyle(e).backgroundColor); if(c&&c[3]>0){stack.push(c); if(c[3]>=1)break;} e=e.parentElement;} let base=[255,255,255]; for(const c of stack.reverse()) base=over(c,base); return base; };
  const bad=[]; const seen=new Set();
  const walk=document.createTreeWalker(document.body,NodeFilter.SHOW_TEXT);
  while(walk.nextNode()){
    const n=walk.currentNode; if(!n.textContent.trim()) continue; const e=n.parentElement; if(!e) continue;
    if(['SCRIPT','STYLE','NOSCRIPT'].includes(e.tagName)) continue;
    const r=e.getBoundingClientRect(); if(r.width<2||r.height<2) continue; const s=getComputedStyle(e); if(s.visibility=='hidden'||s.display=='none') continue;
    if(e.closest('[data-testid=stDataFrame]')||e.closest('[aria-hidden=true]')||e.closest('[disabled]')) continue;
    let o=1; for(let x=e;x;x=x.parentElement) o*=Number(getComputedStyle(x).opacity);
    if(o<.05) continue;
    const bg=back(e); let fg=parse(s.color); if(!fg) continue; fg=[...over([fg[0],fg[1],fg[2],fg[3]*o],bg),1];
    const [a,b]=[lum(fg),lum(bg)].sort((x,y)=>y-x); const ratio=(a+.05)/(b+.05);
    const big=parseFloat(s.fontSize)>=24||(parseFloat(s.fontSize)>=18.66&&Number(s.fontWeight)>=700);
    if(ratio<(big?3:4.5)){ const k=n.textContent.trim().slice(0,30)+' '+ratio.toFixed(2); if(!seen.has(k)){seen.add(k);bad.push(k);} }
  }
  return bad;
}
