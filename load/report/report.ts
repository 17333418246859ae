import type { Measurement } from '../ledger.ts'

/** Something that has to hold for a run to pass. */
export interface Rule {
  readonly says: string
  readonly holds: boolean
  /** What was seen. */
  readonly seen: string
}

/** A number with its name, such as a ratio of two measurements. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit?: string
}

/** Something that was looked at again and again, over the time of the run. */
export interface Series {
  readonly name: string
  readonly unit: string
  /** `[seconds since the run began, value]` */
  readonly points: readonly (readonly [number, number])[]
}

/** What a scenario found out. */
export interface Findings {
  readonly measurements: readonly Measurement[]
  readonly figures?: readonly Figure[]
  /** Besides those that every scenario has. */
  readonly rules?: readonly Rule[]
  readonly series?: readonly Series[]
  /** Whether the measurements are phases of one load, and not contestants. */
  readonly isSequence?: boolean
}

/** A whole run. Nothing in it tells a token. */
export interface Report extends Required<Findings> {
  readonly scenario: string
  readonly about: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly seconds: number
  /** What was called: a URL, or the servers that the run started. */
  readonly target: string
  readonly settings: Readonly<Record<string, number>>
  readonly machine: string
  readonly passed: boolean
}

/** A share of all calls as per cent, for people. */
export function perCent(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %'
  const share = (100 * part) / whole
  return `${share < 0.01 ? '< 0.01' : share.toFixed(share < 1 ? 2 : 1)} %`
}

/** Calls that came to an end. */
export function callsOf({ right, wrong, failed }: Measurement): number {
  return right + wrong + failed
}
