import type { Io } from '../shared/io.ts'
import type { Change } from './parts.ts'

/** The result of a register command. */
export interface Outcome {
  readonly tenantId: string
  /** Null where a dry run would create the application. */
  readonly clientId: string | null
  readonly objectId: string | null
  /** The scope that clients request. */
  readonly scope: string
  readonly displayName: string
  readonly dryRun: boolean
  readonly changes: readonly Change[]
  /** Variables for `.env.local`, including a new secret that is in no file; empty after a dry run or --write-env. */
  readonly env: Readonly<Record<string, string>>
  /** Remaining steps for the operator. */
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
  const changes = count === 1 ? '1 change' : `${count} changes`
  return dryRun ? `${changes} to make. Dry run: nothing was written.` : `${changes} made.`
}
