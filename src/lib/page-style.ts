/**
 * The style sheet of every page, inline; policies allow it by its hash. It loads nothing. Boxes have borders, which
 * stay in forced colours, where backgrounds go.
 */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1b1f24; --muted: #57606a; --line: #d5dae1; --edge: #79828d; --card: #fff; --ground: #f3f5f8; --inset: #f6f8fa; --action: #0f5cb5; --on-action: #fff; --caution: #fff4d6; --on-caution: #533800; --caution-edge: #b7791f }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --muted: #a9b1bb; --line: #3a424d; --edge: #8b95a1; --card: #1d2229; --ground: #12151a; --inset: #252b34; --action: #7db8ff; --on-action: #06203f; --caution: #3d3009; --on-caution: #ffe2a0; --caution-edge: #d9a93a }
}
*, ::before { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center; justify-content: safe center; gap: .75rem; padding: 1.25rem; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
header, main, footer { width: min(100%, 34rem) }
.wide > * { width: min(100%, 46rem) }
header, footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: 0 .25rem; color: var(--muted); font-size: .875rem }
header strong { color: var(--text) }
main { padding: 1.75rem 2rem 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
main > :last-child { margin-bottom: 0 }
h1 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.4 }
.supplied { display: inline-block; max-width: 100%; padding: 0 .375rem; border: 1px solid var(--edge); border-radius: .375rem; background: var(--inset) }
h2 { margin: 1.25rem 0 .25rem; font-size: .9375rem }
p, ul, dl { margin: 0 0 .75rem }
ul { padding-left: 1.25rem }
li + li { margin-top: .25rem }
code { font: .875em/1.4 ui-monospace, monospace }
a { color: var(--action) }
.note { color: var(--muted); font-size: .875rem }
.badge { display: inline-block; padding: 0 .5rem; border: 1px solid var(--edge); border-radius: 1rem; color: var(--text); font-weight: 600 }
.box { margin: 0 0 1rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--inset) }
.box > :first-child { margin-top: 0 }
.box > :last-child { margin-bottom: 0 }
.box.warning { border: 2px solid var(--caution-edge); background: var(--caution); color: var(--on-caution) }
.host { margin-bottom: .25rem }
.warning .host { font-size: 1.25rem; font-weight: 600 }
.confirm { display: flex; gap: .75rem; margin: 1rem 0 }
.confirm input { flex: none; width: 1.25rem; height: 1.25rem; margin: .125rem 0 0; accent-color: var(--action) }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; font-size: .875rem }
dt { color: var(--muted) }
dd { margin: 0 }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; margin-top: 1.5rem }
button, input:not([type]) { min-height: 2.75rem; padding: .5rem 1.25rem; border: 1px solid var(--edge); border-radius: .5rem; background: transparent; color: inherit; font: inherit }
input:not([type]) { flex: 1 1 12rem; min-width: 0; padding: .5rem .75rem }
button { cursor: pointer }
button:hover { text-decoration: underline }
.primary { border: 2px solid var(--action); background: var(--action); color: var(--on-action); font-weight: 600 }
:focus-visible { outline: 3px solid var(--action); outline-offset: 3px }
.row { display: flex; flex-wrap: wrap; gap: .5rem }
.copy { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .25rem .75rem; margin: 0 0 .75rem; position: relative }
.copy code { flex: 1 1 16rem; min-width: 0; padding: .6875rem .75rem; border: 1px solid var(--edge); border-radius: .5rem; background: var(--inset); white-space: pre-wrap; user-select: all }
.copy [role=status] { flex-basis: 100%; font-size: .875rem }
.copy [role=status]:empty { position: absolute }
.accordion { margin: .5rem 0 .75rem; border: 1px solid var(--line); border-radius: .5rem }
details { padding: 0 1rem }
details + details { border-top: 1px solid var(--line) }
summary { padding: .625rem 0; cursor: pointer; font-weight: 600 }
.people { display: grid; gap: .5rem; padding: 0; list-style: none }
.people li { margin: 0 }
.people button { display: block; width: 100%; padding: .5rem .875rem; text-align: left }
.people span, .people strong { display: block }
.people .chosen { border: 2px solid var(--action) }
@media (max-width: 30rem) {
  body { padding: .75rem 0 1rem; justify-content: flex-start; background: var(--card) }
  header, footer { padding: 0 1.25rem }
  main { padding: .5rem 1.25rem 1rem; border: 0 }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0 }
  dd { margin-bottom: .5rem }
  .buttons button { flex: 1 1 8rem }
}
`
