/** A failure that the operator can do something about: what happened, and what to do next. Shown without a stack. */
export class OperatorError extends Error {
  readonly next: string
  override readonly name = 'OperatorError'

  /**
   * @param what what happened, as a sentence
   * @param next what to do about it, as one or more sentences; never a secret in either
   */
  constructor(what: string, next: string, options?: ErrorOptions) {
    super(what, options)
    this.next = next
  }
}
