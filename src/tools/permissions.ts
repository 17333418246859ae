import { Failure } from '../errors.ts'
import { type GraphPermission, graphResource } from '../graph/permissions.ts'
import type { Tool } from './define-tool.ts'

/** The Graph permissions that tools need, each once, in the order of the tools. */
export function permissionsOf(tools: readonly Pick<Tool, 'permissions'>[]): readonly GraphPermission[] {
  return [...new Map(tools.flatMap(({ permissions }) => permissions).map((one) => [one.scope, one])).values()]
}

/** The names of those permissions. */
export function scopesOf(tools: readonly Pick<Tool, 'permissions'>[]): readonly string[] {
  return permissionsOf(tools).map(({ scope }) => scope)
}

/** What an exchange asks for so that every tool can be called with its token, as Entra takes scopes. */
export function exchangeScopes(tools: readonly Pick<Tool, 'permissions'>[], graphBaseUrl: string): readonly string[] {
  return scopesOf(tools).map((scope) => `${graphResource(graphBaseUrl)}/${scope}`)
}

/** What tools may do, within a sentence: `read the Message Center and read service health`. */
export function purposesOf(tools: readonly Pick<Tool, 'permissions'>[]): string {
  return inWords(
    permissionsOf(tools).map(({ purpose }) => purpose),
    'and',
  )
}

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

function inWords(names: readonly string[], last: 'and' | 'or'): string {
  return new Intl.ListFormat('en', { type: last === 'and' ? 'conjunction' : 'disjunction' }).format(names)
}
