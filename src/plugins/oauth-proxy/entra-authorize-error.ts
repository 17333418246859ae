import { Failure, type Reason } from '../../errors/index.ts'

/**
 * The failure behind an error of Entra's authorize endpoint (Microsoft, "OAuth 2.0 authorization code flow: Error
 * codes for authorization endpoint errors"). Its code is kept; its text is not, since anybody could have written
 * it into the URL.
 */
export function authorizeFailure(error: string | undefined, description: string | undefined): Failure {
  const [aadsts] = /^AADSTS\d{4,8}/.exec(description ?? '') ?? []
  return new Failure(reasonOf(error), aadsts === undefined ? {} : { aadsts })
}

function reasonOf(error: string | undefined): Reason {
  switch (error) {
    case 'login_required':
    case 'interaction_required':
    case 'consent_required':
      return 'entra_interaction_required'
    case 'access_denied':
      return 'entra_sign_in_denied'
    case 'temporarily_unavailable':
    case 'server_error':
      return 'entra_sign_in_unavailable'
    default:
      return 'entra_sign_in_failed'
  }
}
