/** The result of a check. `skipped`: it could not run, or does not apply. */
export type Verdict = 'ok' | 'warning' | 'failure' | 'skipped'

/** What a check found and, unless it is ok, how to fix it. */
export interface Outcome {
  readonly verdict: Verdict
  readonly message: string
  readonly fix?: string
}

export interface Finding extends Outcome {
  readonly check: string
  /** The failed check that this one depends on. */
  readonly blockedBy?: string
}

export const ok = (message: string): Outcome => ({ verdict: 'ok', message })
export const warning = (message: string, fix: string): Outcome => ({ verdict: 'warning', message, fix })
export const failure = (message: string, fix: string): Outcome => ({ verdict: 'failure', message, fix })
export const skipped = (message: string): Outcome => ({ verdict: 'skipped', message })
