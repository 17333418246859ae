import { Failure } from '../../errors/index.ts'
import { type GraphPermission, inWords, purposesOf, scopesOf } from '../../lib/graph-permissions.ts'
import type { Tool } from './tool.ts'

/** Roles and consent count in new tokens. */
const signInAgain = 'If you were given it just now, sign in again.'

/**
 * A failure that a permission or a role would have prevented, with the name of it: an exchange asks for what the tool that
 * is called needs, and Graph's 403 is about it too.
 */
export function withPermissionNamed(failure: Failure, called: Pick<Tool, 'permissions'>): Failure {
  switch (failure.reason) {
    case 'graph_forbidden':
      return withDetail(failure, [...called.permissions.map(explainLack), signInAgain].join(' '))
    case 'user_consent_required':
    case 'admin_consent_required':
      return withDetail(failure, explainConsent(called))
    default:
      return failure
  }
}

/** Microsoft Graph permissions reference: an administrator consents to each of these permissions. */
function explainConsent(called: Pick<Tool, 'permissions'>): string {
  const scopes = scopesOf([called])
  const permission = `${scopes.length === 1 ? 'the permission' : 'the permissions'} ${inWords(scopes, 'and')}`
  return `To ${purposesOf([called])}, the app needs ${permission}, which an administrator consents to for all users.`
}

function explainLack({ scope, roles, purpose }: GraphPermission): string {
  const quoted = roles.map((role) => `"${role}"`)
  const role = roles.length === 0 ? '' : `Ask an administrator for the role ${inWords(quoted, 'or')} `
  const permission = `the app needs the delegated permission ${scope}`
  return `It may not ${purpose}. ${role === '' ? `T${permission.slice(1)}.` : `${role}(and ${permission}).`}`
}

function withDetail({ reason, details }: Failure, detail: string): Failure {
  return new Failure(reason, { ...details, detail })
}
