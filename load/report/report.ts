import type { Measurement } from '../call-records.ts'
import type { Settings } from '../scenario.ts'

/** A condition that a run has to meet to pass. */
export interface Rule {
  readonly description: string
  readonly passed: boolean
  readonly observed: string
}

/** A number with its name, such as a ratio of two measurements. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit?: string
}

/** Samples over the time of the run. */
export interface Series {
  readonly name: string
  readonly unit: string
  /** `[seconds since the run started, value]` */
  readonly points: readonly (readonly [number, number])[]
}

/** What a scenario found. */
export interface Findings {
  readonly measurements: readonly Measurement[]
  readonly figures?: readonly Figure[]
  /** Besides those of every scenario. */
  readonly rules?: readonly Rule[]
  readonly series?: readonly Series[]
  /** Whether the measurements are phases one after the other, and not targets side by side. */
  readonly isSequence?: boolean
}

/** A whole run. It holds no token. */
export interface Report extends Required<Findings> {
  readonly scenario: string
  readonly description: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly seconds: number
  /** What was called: a URL, or the servers that the run started. */
  readonly target: string
  readonly settings: Settings
  readonly machine: string
  readonly passed: boolean
}
