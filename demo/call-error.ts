/** A failed call: an HTTP error, or a tool result with `isError`. */
export class CallError extends Error {
  /** The claims request that a new sign-in must satisfy, as JSON text, if any. */
  readonly claims: string | undefined
  override readonly name = 'CallError'
  constructor(message: string, claims?: string) {
    super(message)
    this.claims = claims
  }
}
