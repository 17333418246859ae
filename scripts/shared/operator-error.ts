/** A failure that the operator can fix: what happened, and what to do next. Shown without a stack. */
export class OperatorError extends Error {
  readonly next: string
  override readonly name = 'OperatorError'

  /**
   * @param message what happened, as a sentence
   * @param next what to do about it, as one or more sentences; never a secret in either
   */
  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options)
    this.next = next
  }
}
