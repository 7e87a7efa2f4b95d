/** The style of the page: one accent for each tone, light and dark, three columns to one, and on paper. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fdfcf9; --ink: #201e1b; --soft: #625d55; --rule: #e6e1d8; --faint: #f4f1ea;
  --first: #1f5f9e; --second: #a34d09; --probe: #256b4b; --alarm: #b3261e; --fall: #86306f;
  --serif: Charter, 'Bitstream Charter', 'Iowan Old Style', 'Palatino Linotype', Palatino, Georgia, serif;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16171a; --ink: #ebe8e2; --soft: #a9a49b; --rule: #303237; --faint: #1e2024;
    --first: #82b9ec; --second: #eda76d; --probe: #7ecba3; --alarm: #ff9187; --fall: #e59fd2;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 var(--serif); }
main { max-width: 1216px; margin: 0 auto; padding: 72px 48px 96px; }
h1, h2, h3, h4, p, dl, dd, figure, pre, ul { margin: 0; padding: 0; }
h1 { font-size: 44px; line-height: 1.1; font-weight: 600; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 30px; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; margin: 104px 0 8px; padding-top: 28px; border-top: 1px solid var(--rule); }
h3 { font-size: 21px; line-height: 1.3; font-weight: 600; margin-top: 56px; }
h4 { font: 600 14px/1.4 var(--sans); }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: 3px; }
.over { font: 13px/1.4 var(--sans); color: var(--soft); margin-bottom: 10px; }
.lead { color: var(--soft); max-width: 68ch; margin-top: 6px; }
.intro { max-width: 64ch; margin-top: 22px; font-size: 19px; line-height: 1.55; }
nav { display: flex; flex-wrap: wrap; gap: 6px 24px; margin-top: 28px; font: 14px/1.6 var(--sans); }
.figures { display: flex; flex-wrap: wrap; gap: 20px 56px; margin-top: 48px; font-family: var(--sans); }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { font-size: 13px; line-height: 1.4; color: var(--soft); }
.figures dd { font-size: 25px; line-height: 1.3; font-weight: 500; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
.alarms { list-style: none; margin-top: 48px; border-left: 3px solid var(--alarm); padding: 2px 0 2px 20px; max-width: 76ch; }
.alarms li + li { margin-top: 14px; }
.alarms strong { color: var(--alarm); font-weight: 600; }
.alarms .lead { margin-top: 0; }

table { border-collapse: collapse; font: 15px/1.45 var(--sans); font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; font-weight: 400; padding: 0; }
caption { text-align: left; margin-bottom: 20px; }
caption h3 { margin-top: 48px; font-family: var(--serif); }
caption .lead { font: 17px/1.55 var(--serif); }
.compare { width: 100%; }
.compare thead th { font-size: 13px; color: var(--soft); padding-bottom: 8px; border-bottom: 1px solid var(--rule); vertical-align: bottom; }
.compare tbody th, .compare tbody td { padding: 12px 0; border-bottom: 1px solid var(--rule); }
.compare td, .compare thead th { text-align: right; width: 124px; padding-left: 20px; }
.compare thead th:first-child { text-align: left; width: auto; padding-left: 0; }
.compare tbody th { font-size: 16px; }
.compare tbody td { font-size: 17px; }
.compare small { display: block; font-size: 12.5px; line-height: 1.5; color: var(--soft); white-space: nowrap; }
.compare .after { font-weight: 600; }
.compare .after small { font-weight: 400; }
.compare td.strip, .compare thead th.strip { width: 344px; padding-left: 64px; }
.compare .strip svg { display: block; width: 100%; height: auto; overflow: visible; }
.compare .strip text { font: 11.5px var(--sans); fill: var(--soft); }
.compare .grid { stroke: var(--rule); }
.compare .before { fill: var(--paper); stroke: var(--soft); stroke-width: 1.6; }
.compare .after circle { stroke-width: 1.6; }
.compare .strip .interval { stroke: none; opacity: 0.35; }
.compare .before .interval { fill: var(--soft); }
.compare.probe g.after { fill: var(--probe); stroke: var(--probe); }
.compare.first g.after { fill: var(--first); stroke: var(--first); }
.compare .rise .change, .compare .outcome.rise strong { color: var(--probe); }
.compare .fall .change, .compare .outcome.fall strong { color: var(--fall); }
.compare .none .change, .compare .outcome.none strong { color: var(--soft); }
.compare .fall g.after { fill: var(--fall); stroke: var(--fall); }
.outcome { font: 15px/1.5 var(--sans); max-width: 76ch; margin-top: 8px; }
span.none { color: var(--soft); }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 40px 44px; margin-top: 28px; }
.curve { max-width: 420px; min-width: 0; }
.curve figcaption { font-size: 14.5px; line-height: 1.5; color: var(--soft); margin-top: 4px; max-width: 46ch; }
.chart { display: block; width: 100%; height: auto; overflow: visible; font: 11.5px var(--sans); font-variant-numeric: tabular-nums; touch-action: pan-y; }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart .tick { fill: var(--soft); }
.chart .readout { fill: var(--ink); font-size: 11.5px; }
.chart .rule { stroke: var(--soft); stroke-width: 1; fill: none; pointer-events: none; }
.chart .reference { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.chart .dashed { stroke-dasharray: 5 4; }
.chart .chosen { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 2 2; }
.chart .band { opacity: 0.12; }
.chart .label { font-size: 12px; }
.chart .value { font-size: 14px; font-weight: 600; }
.chart .alarm { fill: var(--alarm); }
.chart .alarm-strip { fill: var(--alarm); opacity: 0.1; }
.line.first { stroke: var(--first); }
.line.second { stroke: var(--second); }
.line.probe { stroke: var(--probe); }
.band.first, .dot.first, .label.first { fill: var(--first); }
.band.second, .dot.second, .label.second { fill: var(--second); }
.band.probe, .dot.probe, .label.probe { fill: var(--probe); }

.moments { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 48px 44px; margin-top: 28px; }
.moments .moment { display: grid; grid-template-columns: 112px minmax(0, 1fr); gap: 20px; align-items: start; }
.again { display: grid; grid-template-columns: 168px minmax(0, 1fr); gap: 32px; margin-top: 32px; }
.again + .again { border-top: 1px solid var(--rule); padding-top: 32px; }
.times { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 208px), 1fr)); gap: 32px 28px; }
.picture img { display: block; width: 100%; height: auto; border-radius: 3px; }
.picture figcaption { font: 12px/1.4 var(--sans); color: var(--soft); margin-top: 6px; overflow-wrap: anywhere; }
.missing { display: grid; place-items: center; aspect-ratio: 1; border: 1px dashed var(--soft); border-radius: 3px; font: 12px/1.4 var(--sans); color: var(--soft); text-align: center; padding: 8px; }
.words { font-family: var(--sans); min-width: 0; }
.when { font-size: 12.5px; line-height: 1.4; color: var(--soft); font-variant-numeric: tabular-nums; }
.question { font: 17px/1.35 var(--serif); color: var(--second); margin: 3px 0 12px; overflow-wrap: anywhere; }
.question.none { font-style: italic; color: var(--soft); }
.reason { font-size: 14px; line-height: 1.45; color: var(--alarm); margin-bottom: 10px; overflow-wrap: anywhere; }
.votes { list-style: none; font-size: 14px; line-height: 1.4; }
.votes li { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; column-gap: 8px; align-items: baseline; margin-top: 8px; color: var(--soft); }
.votes .answer { overflow-wrap: anywhere; min-width: 0; grid-column: 1; }
.votes .mark { grid-column: 2; font-size: 12px; color: var(--first); }
.votes .count { grid-column: 3; font-variant-numeric: tabular-nums; font-size: 13px; white-space: nowrap; }
.votes .majority .answer { color: var(--ink); font-weight: 600; }
.votes .invalid .answer { font-style: italic; }
.bar { grid-column: 1 / -1; display: block; width: 100%; height: 6px; margin-top: 3px; }
.bar .off { fill: var(--rule); }
.bar .on { fill: var(--soft); opacity: 0.6; }
.majority .bar .on { fill: var(--first); opacity: 1; }
.invalid .bar .on { fill: var(--soft); opacity: 0.3; }
.expected { font-size: 14px; line-height: 1.45; margin: -6px 0 10px; overflow-wrap: anywhere; }
.graded { margin-top: 14px; }
.graded .when { margin-top: 8px; }
.steps { list-style: none; margin: 0; padding: 0; font-size: 14px; line-height: 1.4; }
.steps li { display: grid; grid-template-columns: minmax(0, 1fr) auto; column-gap: 8px; align-items: end; margin-top: 4px; }
.steps .step { overflow-wrap: anywhere; min-width: 0; white-space: pre-line; }
.steps .gap { color: var(--soft); font-style: italic; }
.steps .count { color: var(--soft); font-variant-numeric: tabular-nums; font-size: 13px; }
.graded.first .bar .on { fill: var(--first); opacity: 1; }
.graded.second .bar .on { fill: var(--second); opacity: 1; }
.graded.probe .bar .on { fill: var(--probe); opacity: 1; }
details { margin-top: 12px; font: 13px/1.5 var(--sans); }
summary { color: var(--soft); cursor: pointer; width: fit-content; }
summary:hover { color: var(--ink); }
.by { margin-top: 12px; font-size: 12.5px; }
.by.first { color: var(--first); }
.by.second { color: var(--second); }
.by.probe { color: var(--probe); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; background: var(--faint); padding: 8px 10px; margin-top: 4px; border-radius: 3px; }

.run { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 64px; }
.pairs, .time { margin-top: 16px; font-size: 14px; width: 100%; table-layout: auto; }
.pairs th, .pairs td, .time th, .time td { padding: 6px 20px 6px 0; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
.pairs th, .time th { color: var(--soft); width: 12em; }
.time td { text-align: right; white-space: nowrap; width: 6em; }
.time .strip { width: auto; padding-right: 0; vertical-align: middle; }
.time .strip svg { display: block; width: 100%; height: 8px; fill: var(--first); }
.config { margin-top: 40px; font-size: 14px; }
.config summary { font-size: 15px; }
.config .pairs { max-width: 760px; }
footer { margin-top: 72px; padding-top: 20px; border-top: 1px solid var(--rule); font-size: 14.5px; color: var(--soft); }
footer p { max-width: 76ch; }

@media (max-width: 1000px) {
  .compare td, .compare thead th { width: 96px; padding-left: 12px; }
  .compare td.strip, .compare thead th.strip { width: 230px; padding-left: 24px; }
}
@media (max-width: 760px) {
  main { padding: 40px 22px 64px; }
  body { font-size: 16px; }
  h1 { font-size: 33px; }
  h2 { font-size: 26px; margin-top: 72px; }
  h3 { margin-top: 44px; }
  .intro { font-size: 17.5px; }
  .figures { display: grid; grid-template-columns: 1fr 1fr; gap: 18px 24px; margin-top: 36px; }
  .figures dd { font-size: 22px; }
  .compare, .compare caption, .compare thead, .compare tbody { display: block; }
  .compare tr { display: grid; grid-template-columns: 1fr 1fr 1fr; }
  .compare tbody tr { border-bottom: 1px solid var(--rule); padding: 12px 0; }
  .compare thead tr { border-bottom: 1px solid var(--rule); }
  .compare thead th { border: 0; }
  .compare thead th:first-child, .compare thead .strip { display: none; }
  .compare tbody th { grid-column: 1 / -1; }
  .compare tbody th, .compare tbody td, .compare tbody .strip { border: 0; padding: 2px 0; }
  .compare td, .compare thead th, .compare td.strip { width: auto; text-align: left; padding-left: 0; }
  .compare td.strip { grid-column: 1 / -1; margin-top: 4px; }
  .compare .strip:empty { display: none; }
  .pairs th, .time th { width: 8em; }
  .again { grid-template-columns: minmax(0, 1fr); gap: 20px; }
  .again > .picture { max-width: 168px; }
  .moments .moment { grid-template-columns: 96px minmax(0, 1fr); gap: 16px; }
  .moments .picture figcaption { font-size: 11px; }
}
@page { margin: 16mm; }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #555; --rule: #ddd; --faint: #f5f5f5; --first: #1f5f9e; --second: #a34d09; --probe: #256b4b; --alarm: #b3261e; --fall: #86306f; }
  body { font-size: 11pt; }
  main { max-width: none; padding: 0; }
  nav, .moment details { display: none; }
  h2 { margin-top: 32pt; }
  .figures { gap: 14px 36px; }
  .figures dd { font-size: 19px; }
  .charts { grid-template-columns: repeat(3, 1fr); gap: 18pt; }
  .moments { grid-template-columns: repeat(2, 1fr); gap: 18pt; }
  h2, h3, .lead { break-after: avoid; }
  figure, .moment, tr, li { break-inside: avoid; }
}
`
