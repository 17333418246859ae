export type CredentialErrorCode =
  | 'timeout'
  | 'file_unreadable'
  | 'key_invalid'
  | 'certificate_missing'
  | 'certificate_invalid'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'thumbprint_mismatch'
  | 'format_unsupported'
  | 'vault_unavailable'
  | 'vault_response_invalid'
  | 'identity_unavailable'

/** Why a credential cannot be used, as a code, and the fix, as a message for operators. Holds nothing secret. */
export class CredentialError extends Error {
  readonly code: CredentialErrorCode
  constructor(code: CredentialErrorCode, message: string) {
    super(message)
    this.name = 'CredentialError'
    this.code = code
  }
}
