/** The report page's style sheet, for light and dark screens and for paper. */
export const style = `
:root { color-scheme: light dark; --text: #1c2430; --soft: #5c6b7c; --page: #fbfbfa; --card: #fff; --rule: #dde2e8;
  --good: #1a7f37; --bad: #c0262d; --line-0: #0f62b0; --line-1: #c2570c; --line-2: #2c8a4b; --line-3: #8a3fa0;
  --line-4: #b8860b; --line-5: #0e8a8a; --line-6: #c2185b; --line-7: #5a6270 }
@media (prefers-color-scheme: dark) { :root { --text: #e4e9ef; --soft: #97a5b4; --page: #14181d; --card: #1c2128;
  --rule: #333c47; --good: #57c26d; --bad: #ff7b72; --line-0: #6cb2f7; --line-1: #f2a065; --line-2: #6fd08c;
  --line-3: #d19be6; --line-4: #e5c04a; --line-5: #55cfcf; --line-6: #f685b5; --line-7: #b4bec9 } }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 900px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: 26px; margin: 0 } h2 { font-size: 18px; margin: 36px 0 10px }
h1 span { font-size: 15px; vertical-align: middle; border: 1px solid; border-radius: 12px; padding: 2px 10px }
header p { color: var(--soft); margin: 6px 0 16px }
dl { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0 } dt { color: var(--soft); font-size: 13px }
dd { margin: 0; overflow-wrap: anywhere }
.passed { color: var(--good) } .failed { color: var(--bad) }
.rules { list-style: none; padding: 0 } .rules li { margin: 4px 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: 14px }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--rule); text-align: right; font-variant-numeric: tabular-nums }
th[scope=row], td.text { text-align: left; font-weight: 500 } thead th { color: var(--soft); font-weight: 500 }
figure { margin: 32px 0 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px }
figcaption { font-weight: 600; margin-bottom: 6px }
figure > svg { width: 100%; height: auto; display: block }
.grid { stroke: var(--rule); stroke-width: 1 } .mark { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3 }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round }
.tick, .label { fill: var(--soft); font-size: 12px } .label { font-size: 13px }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 8px 0 0; padding: 0; font-size: 13px }
.legend svg { width: 28px; height: 10px; margin-right: 6px }
.phases { columns: 2; margin: 8px 0 0; padding-left: 24px; font-size: 13px; color: var(--soft) }
@media print { body { background: none } figure { break-inside: avoid } }
`
