export interface OperatorErrorOptions extends ErrorOptions {
  /** For scripts: the code of whoever reported the failure (`graph_forbidden`, `AADSTS50076`, `ECONNREFUSED`). */
  readonly code?: string
  /** What `--json` prints beside the error. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** A failure that the operator can fix: what happened, and what to do next. Shown without a stack. */
export class OperatorError extends Error {
  readonly next: string
  readonly code: string
  readonly details: Readonly<Record<string, unknown>>
  override readonly name = 'OperatorError'

  /**
   * @param message what happened, as a sentence
   * @param next what to do about it, as one or more sentences; never a secret in either
   */
  constructor(message: string, next: string, { code = 'failed', details = {}, ...options }: OperatorErrorOptions = {}) {
    super(message, options)
    this.next = next
    this.code = code
    this.details = details
  }
}

/** The command line is wrong, which shows before anything is done: exit code 2. */
export class UsageError extends OperatorError {
  constructor(message: string, next: string, options: ErrorOptions = {}) {
    super(message, next, { ...options, code: 'usage' })
  }
}
