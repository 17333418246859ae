/** The server's refusal of a call: an HTTP answer, or a tool result with `isError`. */
export class Refused extends Error {
  /** What a new sign-in has to bring, as JSON text, where that would help. */
  readonly claims: string | undefined
  override readonly name = 'Refused'
  constructor(message: string, claims?: string) {
    super(message)
    this.claims = claims
  }
}
