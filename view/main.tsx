import { render } from 'preact'
import { connect, type Host } from './host.ts'
import { type Result, readResult } from './result.ts'
import { View } from './view.tsx'

interface State {
  readonly host?: Host
  /** The arguments of the call whose result is shown. */
  readonly args: Readonly<Record<string, unknown>>
  readonly result?: Result
}

const root = document.getElementById('view')
if (root === null) throw new Error('There is no element "view"')
let state: State = { args: {} }

function show(change: Partial<State>) {
  state = { ...state, ...change }
  if (root !== null) render(<View {...state} onResult={(result) => show({ result })} />, root)
}

show({})
connect({
  onChange: (host) => show({ host }),
  onInput: (args) => show({ args }),
  onResult: (result) => show({ result: readResult(result) }),
  onCancelled: () => show({ result: { kind: 'error', text: 'The call was cancelled.' } }),
}).catch((error: unknown) => {
  show({ result: { kind: 'error', text: `The host could not be reached: ${String(error)}` } })
})
