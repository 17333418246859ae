/** What a check came to. `skipped` is no judgement: it could not be made, or there was nothing to judge. */
export type Verdict = 'ok' | 'warning' | 'failure' | 'skipped'

/** A judgement: what is so and, unless all is well, what to do about it. */
export interface Opinion {
  readonly verdict: Verdict
  readonly says: string
  readonly mend?: string
}

export interface Finding extends Opinion {
  readonly check: string
  /** The check whose failure has to be mended before this one can be made. */
  readonly waitsFor?: string
}

export const ok = (says: string): Opinion => ({ verdict: 'ok', says })
export const warning = (says: string, mend: string): Opinion => ({ verdict: 'warning', says, mend })
export const failure = (says: string, mend: string): Opinion => ({ verdict: 'failure', says, mend })
export const skipped = (says: string): Opinion => ({ verdict: 'skipped', says })
