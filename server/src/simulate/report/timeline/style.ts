/** How the page looks: the console's two voices, amber for the caller and teal for the assistant, by day and by night. */
import type { WaterfallStage } from '@tandem/contract';

export const STAGE_COLOURS: Record<WaterfallStage, { light: string; dark: string }> = {
  line: { light: '#d8d4c9', dark: '#454d4a' },
  endpoint: { light: '#b9b4a7', dark: '#6a7470' },
  transcript: { light: '#d08a3c', dark: '#d99a52' },
  commit: { light: '#8b6a3f', dark: '#a98b62' },
  retrieval: { light: '#3f7fbf', dark: '#6aa5dd' },
  request: { light: '#24538a', dark: '#4a7fc0' },
  'first-token': { light: '#7a5fb8', dark: '#9d85d8' },
  'first-clause': { light: '#b07cc6', dark: '#c79adb' },
  'first-audio': { light: '#1d9c88', dark: '#3dbba5' },
  'first-packet': { light: '#0b5c52', dark: '#a5e6da' },
  filler: { light: '#cf6a8b', dark: '#e38aa8' },
};

const LIGHT = `--paper:#f6f5f1;--surface:#fff;--sunken:#efede7;--line:#e4e1d9;--line-strong:#cbc7bc;--ink:#1b211f;--ink-2:#55605c;--ink-3:#69736f;
--accent:#0c6b5e;--on-accent:#fff;--caller:#b4590f;--caller-soft:#fbeedd;--assistant:#0b7a6a;--assistant-soft:#e1f2ee;--good:#18794e;--good-soft:#e0f3e8;--slow:#8f5508;--slow-soft:#fbf0d9;--bad:#bc3227;--bad-soft:#fbe6e3;`;
const DARK = `--paper:#121514;--surface:#1a1e1d;--sunken:#222726;--line:#2c3331;--line-strong:#434c49;--ink:#ebefed;--ink-2:#aab4b0;--ink-3:#95a09c;
--accent:#3dbba5;--on-accent:#06231e;--caller:#efa45c;--caller-soft:#35271a;--assistant:#4cc4af;--assistant-soft:#17312d;--good:#57c58d;--good-soft:#17301f;--slow:#eab04c;--slow-soft:#372b13;--bad:#f2776b;--bad-soft:#3b1e1b;`;

const FRAME = `
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink);font:15px/1.5 ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans',Arial,sans-serif;-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0 auto;max-width:1500px;padding:1.75rem clamp(1rem,3vw,2.5rem) 6rem}
h1{font-size:1.55rem;line-height:1.2;letter-spacing:-.012em;margin:0 0 .35rem}
h3{font-size:.78rem;font-weight:600;letter-spacing:.02em;color:var(--ink-3);margin:0 0 .6rem}
p{margin:0}
ol,ul{list-style:none;margin:0;padding:0}
a{color:var(--accent);text-underline-offset:3px}
button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
kbd{font:inherit;font-size:.85em;border:1px solid var(--line-strong);border-radius:4px;padding:0 .35em;background:var(--surface)}
.keys,.quiet,.description{color:var(--ink-3)}
.keys{font-size:.87rem}
.description{margin:0 0 1rem;max-width:75ch}
.at,.clock,.of,.ms,td,.tiles b,.gist{font-variant-numeric:tabular-nums}
header{margin-bottom:1.5rem}
.overview{margin-bottom:2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;max-width:50rem;margin-bottom:1.25rem}
.tiles li{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem;display:flex;flex-direction:column}
.tiles span,.tiles small{color:var(--ink-3);font-size:.85rem}
.tiles b{font-size:1.6rem;line-height:1.3;letter-spacing:-.01em}
.tiles .good b{color:var(--good)}.tiles .bad b,.tiles .bad small{color:var(--bad)}
.wide{overflow-x:auto}
table{border-collapse:collapse}
.calls{width:100%;background:var(--surface);border:1px solid var(--line);border-radius:10px;border-spacing:0;border-collapse:separate;overflow:hidden;margin-bottom:1rem}
.calls caption{text-align:left;color:var(--ink-2);padding:0 0 .4rem}
.calls th{text-align:left;font-size:.8rem;font-weight:600;color:var(--ink-3)}
.calls th,.calls td{padding:.45rem .9rem;border-bottom:1px solid var(--line);white-space:nowrap}
.calls td:nth-child(2){width:60%;white-space:normal}
.calls tr:last-child td{border-bottom:0}
.calls .sum td{font-weight:600}
.verdict{display:inline-block;white-space:nowrap;font-size:.8rem;font-weight:600;border-radius:99px;padding:.08rem .6rem;background:var(--sunken);color:var(--ink-2)}
.verdict.good{background:var(--good-soft);color:var(--good)}.verdict.bad{background:var(--bad-soft);color:var(--bad)}.verdict.slow{background:var(--slow-soft);color:var(--slow)}
.call,.pair{background:var(--surface);border:1px solid var(--line);border-radius:12px;margin-bottom:1rem;padding:0 1.25rem}
.call.failed{border-color:color-mix(in srgb,var(--bad) 45%,var(--line))}
.call[open]{padding-bottom:1.25rem}
summary{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem .8rem;padding:.85rem 0;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
.chevron{width:.55rem;height:.55rem;border:solid var(--ink-3);border-width:0 2px 2px 0;transform:rotate(-45deg);transition:transform .12s}
[open]>summary .chevron{transform:rotate(45deg)}
summary .name{font-weight:600;font-size:1.06rem}
summary .gist{color:var(--ink-3);margin-left:auto;font-size:.9rem}
.fault{background:var(--bad-soft);color:var(--bad);border-radius:8px;padding:.6rem .9rem;margin-bottom:1rem}
`;

const TRACK = `
.player{margin-bottom:1.4rem}
.controls{display:flex;flex-wrap:wrap;align-items:center;gap:.5rem .6rem;margin-bottom:.6rem}
.controls button{border:1px solid var(--line-strong);border-radius:8px;padding:.25rem .75rem;background:var(--surface)}
.controls button:hover{background:var(--sunken)}
.controls .play{background:var(--accent);border-color:var(--accent);color:var(--on-accent);font-weight:600;min-width:6.2rem;text-align:center}
.controls .play:hover{filter:brightness(1.08);background:var(--accent)}
.clock{font-size:1.05rem;font-weight:600;min-width:3.4rem;text-align:right}.of{color:var(--ink-3)}
.controls .quiet{font-size:.87rem}
.spring{flex:1}
.track{display:flex;border:1px solid var(--line);border-radius:10px;overflow:hidden;background:var(--paper)}
.lanes{flex:none;width:5.6rem;border-right:1px solid var(--line);font-size:.8rem;color:var(--ink-2);background:var(--surface)}
.lanes>div{padding:.4rem .7rem}.lanes .caller b{color:var(--caller)}.lanes .assistant b{color:var(--assistant)}.lanes b{font-weight:600}
.scroller{flex:1;overflow-x:auto;overscroll-behavior-x:contain;cursor:text}
.scroller:focus-visible{outline-offset:-2px}
.time{position:relative;min-width:100%}
.ruler{height:1.5rem;position:relative;border-bottom:1px solid var(--line)}
.ruler i{position:absolute;top:0;bottom:0;border-left:1px solid var(--line-strong);padding-left:.3rem;font:.72rem/1.5rem inherit;font-style:normal;font-size:.74rem;color:var(--ink-3);font-variant-numeric:tabular-nums}
.ruler .minor{top:1.1rem}
.voice{height:6.1rem;position:relative;border-bottom:1px solid var(--line)}
.wave{position:absolute;top:.2rem;height:2.5rem;overflow:visible}
.caller .wave{fill:var(--caller)}.assistant .wave{fill:var(--assistant)}
.time .line{position:absolute;top:2.8rem;height:3.1rem;padding:.15rem .3rem;overflow:hidden;border-radius:5px;font-size:.78rem;line-height:1.32;border-left:3px solid}
.caller .line{background:var(--caller-soft);border-color:var(--caller)}.assistant .line{background:var(--assistant-soft);border-color:var(--assistant)}
.time .line.aside{border-left-style:dotted}
.time .line.cut{border-right:3px double var(--bad)}
[data-at]{cursor:pointer}
.line span:hover,.said p span:hover{text-decoration:underline;text-underline-offset:3px}
span.now{background:var(--ink);color:var(--surface);border-radius:3px;box-shadow:0 0 0 2px var(--ink)}
.waits{height:2rem;position:relative;border-bottom:1px solid var(--line)}
.wait{position:absolute;top:.45rem;height:1.1rem}
.stage{position:absolute;top:0;bottom:0;min-width:1px}
.stage:first-child{border-radius:3px 0 0 3px}
.wait .label{position:absolute;left:100%;padding-left:.35rem;font-size:.76rem;line-height:1.1rem;white-space:nowrap;color:var(--ink-2);font-variant-numeric:tabular-nums}
.events{height:calc(var(--events)*1.6rem + .5rem);position:relative}
.mark{position:absolute;top:calc((var(--row) - 1)*1.6rem + .3rem);display:flex;align-items:center;gap:.3rem;height:1.4rem;font-size:.78rem;white-space:nowrap;padding-right:.5rem}
.mark .sign{display:grid;place-items:center;width:1.25rem;height:1.25rem;border-radius:50%;background:var(--sunken);border:1px solid var(--line-strong);font-size:.72rem;flex:none;z-index:1}
.mark .label{max-width:230px;overflow:hidden;text-overflow:ellipsis}
.mark.bad .sign,.happened.bad .sign{background:var(--bad-soft);border-color:var(--bad);color:var(--bad)}.mark.bad{color:var(--bad)}
.mark .span{position:absolute;left:.6rem;bottom:-.05rem;height:3px;border-radius:2px;background:var(--line-strong)}
.mark.bad .span{background:var(--bad)}
.far .mark .label{display:none}.far .line{font-size:0}.far .voice{height:3.6rem}.far .time .line{top:2.8rem;height:.55rem;padding:0}
.far .ruler .minor{display:none}
.farther .ruler i:not(:nth-child(30n+1)){display:none}
.head{position:absolute;top:0;bottom:0;left:0;width:2px;margin-left:-1px;background:var(--ink);pointer-events:none;z-index:2;will-change:transform}
.head::before{content:'';position:absolute;top:0;left:-4px;border:5px solid transparent;border-top:7px solid var(--ink)}
`;

const READING = `
.columns{display:grid;grid-template-columns:minmax(0,1.25fr) minmax(0,1fr);gap:1.5rem 2.5rem}
.columns section+section{margin-top:1.5rem}
@media(max-width:60rem){.columns{grid-template-columns:minmax(0,1fr)}summary .gist{margin-left:0;width:100%}}
.at{color:var(--ink-3);font-size:.82rem;white-space:nowrap;border-radius:4px;padding:.1rem .3rem;margin-left:-.3rem;flex:none;align-self:start}
.at:hover{background:var(--sunken);color:var(--ink)}
.conversation li{display:flex;gap:.7rem;padding:.3rem 0}
.conversation .at{min-width:3.4rem;text-align:right}
.wordy .at{display:none}.wordy span[data-at]{cursor:auto;text-decoration:none!important}
.said>div{border-left:3px solid;padding-left:.7rem;min-width:0}
.said.caller>div{border-color:var(--caller)}.said.assistant>div{border-color:var(--assistant)}
.said b{font-size:.8rem}.said.caller b{color:var(--caller)}.said.assistant b{color:var(--assistant)}
.note{font-size:.8rem;color:var(--ink-3);margin-left:.6rem}
.happened{color:var(--ink-2);font-size:.9rem}
.happened.bad{color:var(--bad)}
.happened p{overflow-wrap:anywhere}
.happened .sign{display:inline-grid;place-items:center;width:1.3rem;height:1.3rem;border-radius:50%;background:var(--sunken);border:1px solid var(--line-strong);font-size:.72rem;margin-right:.3rem}
.checks li{display:flex;gap:.7rem;align-items:start;padding:.45rem 0;border-bottom:1px solid var(--line)}
.checks li:last-child{border-bottom:0}
.checks div{flex:1;min-width:0;overflow-wrap:anywhere}
.checks .verdict{min-width:5.2rem;text-align:center;margin-top:.1rem}
.found{color:var(--bad)}
.checks .quiet{font-size:.87rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem .9rem;font-size:.82rem;color:var(--ink-2);margin-bottom:.5rem}
.legend li{display:inline-flex;align-items:center;gap:.35rem}
.legend i{width:.65rem;height:.65rem;border-radius:2px}
.waterfall li{display:flex;align-items:center;gap:.7rem;padding:.16rem 0}
.waterfall .at{width:4rem;text-align:left;align-self:center}
.bar{flex:1;height:1rem;background:var(--sunken);border-radius:3px;overflow:hidden}
.bar>span{display:block;position:relative;height:100%}
.ms{width:4.4rem;text-align:right;font-size:.88rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1.2rem;margin:0;font-size:.9rem}
dt{color:var(--ink-3)}dd{margin:0;overflow-wrap:anywhere}
.pair{padding:1.1rem 1.25rem}
.pair .difference{font-weight:600;margin-bottom:1rem}
.side h3{font-size:1rem;color:var(--ink);letter-spacing:0}
.side .label{color:var(--ink-3);margin-right:.4rem;font-weight:400}
.turns{width:100%;table-layout:fixed}
.turns th{text-align:left;vertical-align:top;font-size:.88rem;padding:.6rem .8rem .6rem 0}
.turns th:first-child{width:7.5rem}
.turns th .verdict{display:block;width:fit-content;margin-top:.3rem}
.turns td{vertical-align:top;padding:.35rem .8rem .35rem 0;border-top:1px solid var(--line)}
.turns tbody th{border-top:1px solid var(--line)}
.turns .differs td{background:color-mix(in srgb,var(--slow-soft) 45%,transparent)}
@media(prefers-reduced-motion:reduce){*{transition:none!important;scroll-behavior:auto!important}}
@media print{.controls,.keys{display:none}.call{break-inside:avoid}}
`;

/** The whole sheet. */
export const style = (pixelsPerSecond: number): string =>
  `:root{color-scheme:light dark;--pps:${pixelsPerSecond}px;${LIGHT}}@media(prefers-color-scheme:dark){:root{${DARK}}}${FRAME}${TRACK}${READING}`;
