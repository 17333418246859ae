import { Failure } from '../../errors/index.ts'
import { type GraphPermission, inWords, purposesOf, scopesOf } from '../../lib/graph-permissions.ts'
import type { Tool } from './tool.ts'

/**
 * A failure that a permission or a role would have prevented, with the name of it. An exchange asks for what all tools
 * need, so a missing consent can be to any of that; Graph's 403 is about the tool that was called.
 */
export function withPermissionNamed(failure: Failure, called: Tool, all: readonly Tool[]): Failure {
  switch (failure.reason) {
    case 'graph_forbidden':
      return withDetail(failure, called.permissions.map(explainLack).join(' '))
    case 'user_consent_required':
    case 'admin_consent_required':
      return withDetail(failure, `It is asked for to ${purposesOf(all)} (${inWords(scopesOf(all), 'and')}).`)
    default:
      return failure
  }
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
