import type { Io } from '../shared/io.ts'
import type { Change } from './parts.ts'

/** What a register command comes to. */
export interface Outcome {
  readonly tenantId: string
  /** Null where a dry run would create the application. */
  readonly clientId: string | null
  readonly objectId: string | null
  /** What clients ask for. */
  readonly scope: string
  readonly displayName: string
  readonly dryRun: boolean
  readonly changes: readonly Change[]
  /** Lines for `.env.local`, a new secret among them where it went to no file. None of a dry run, or once they are in a file. */
  readonly env: Readonly<Record<string, string>>
  /** What an operator has to do besides. */
  readonly next: readonly string[]
}

const signs = { add: '+', change: '~', remove: '-' } as const
const colours = { add: 'green', change: 'yellow', remove: 'red' } as const

/** Prints the outcome as JSON, or as a diff and lines to paste. */
export function report(io: Io, outcome: Outcome, json: boolean): void {
  if (json) {
    io.print(JSON.stringify(outcome, undefined, 2))
    return
  }
  const { displayName, clientId, changes, dryRun, env, next } = outcome
  io.print([displayName, clientId].filter((name) => name !== null).join('  '))
  for (const change of changes) io.print(lineOf(change), colours[change.action])
  io.print(summary(changes.length, dryRun))
  if (dryRun) return
  if (Object.keys(env).length > 0) io.print('\nFor .env.local:\n')
  for (const [name, value] of Object.entries(env)) io.print(`${name}=${value}`)
  for (const line of next) io.print(`\n${line}`)
}

function lineOf({ action, property, value, before }: Change): string {
  const shown = before === undefined ? value : `${before} → ${value}`
  return `${signs[action]} ${property}  ${shown}`
}

function summary(count: number, dryRun: boolean): string {
  if (count === 0) return 'Nothing to change.'
  const things = count === 1 ? '1 change' : `${count} changes`
  return dryRun ? `${things} to make. This was a dry run: nothing was written.` : `${things} made.`
}
