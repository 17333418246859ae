/** Why a credential cannot be used, and the mend. Holds nothing secret. */
export class CredentialError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CredentialError'
  }
}
