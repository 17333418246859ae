/** The style sheet of all pages, inline; the CSP allows it by its hash. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #55565c; --line: #c9cad1; --card: #fff; --back: #eef1f6; --accent: #0b5cad; --accent-ink: #fff; --hover: #f2f7fd }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f1f1f4; --soft: #b5b7c0; --line: #484a54; --card: #23252c; --back: #15161a; --accent: #8cc2ff; --accent-ink: #0b1a2b; --hover: #2c3039 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: 1rem; padding: 1rem; background: var(--back); color: var(--ink); font: 1rem/1.45 system-ui, 'Segoe UI', sans-serif; overflow-wrap: anywhere }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--card); border-radius: .75rem; box-shadow: 0 .25rem 1.5rem rgb(0 0 0 / .12) }
h1 { margin: 0 0 .25rem; font-size: 1.5rem; line-height: 1.2 }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem }
p { margin: 0 0 1rem }
footer, .soft { color: var(--soft); font-size: .875rem }
ul { margin: 0 0 1rem; padding: 0 }
.people { list-style: none; display: grid; gap: .5rem }
.scopes { padding-left: 1.25rem }
button, input { font: inherit; color: inherit; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); padding: .625rem .875rem }
button { cursor: pointer }
button:hover { background: var(--hover); border-color: var(--accent) }
.person { display: block; width: 100%; text-align: left }
.person strong, .person span { display: block }
.chosen { border-color: var(--accent); box-shadow: inset .25rem 0 0 var(--accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.row { display: flex; flex-wrap: wrap; gap: .5rem }
.row input { flex: 1 1 12rem; min-width: 0 }
.end { justify-content: flex-end }
.primary { background: var(--accent); border-color: var(--accent); color: var(--accent-ink); font-weight: 600 }
.primary:hover { background: var(--accent); filter: brightness(1.1) }
label { display: block; margin-bottom: .375rem }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .25rem .75rem; font-size: .875rem }
dt { color: var(--soft) }
dd { margin: 0 }
@media (max-width: 30rem) {
  body { padding: 0 0 1rem; justify-content: flex-start; background: var(--card) }
  main { padding: 1.5rem 1rem; box-shadow: none; border-radius: 0 }
  footer { padding: 0 1rem }
  dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: .5rem }
}
`
