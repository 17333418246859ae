import type { FastifyRequest } from 'fastify'
import { GraphError } from '../graph/errors.ts'

/** Directory roles that may manage all applications and grant admin consent to delegated permissions. */
const administrators: ReadonlySet<string> = new Set([
  'Global Administrator',
  'Application Administrator',
  'Cloud Application Administrator',
])

/** Token permissions, any of which suffices; the Azure CLI's tokens have `Directory.AccessAsUser.All`. */
const permissions = {
  read: ['Application.Read.All', 'Application.ReadWrite.All', 'Directory.Read.All', 'Directory.AccessAsUser.All'],
  write: ['Application.ReadWrite.All', 'Directory.AccessAsUser.All'],
  readGrants: ['Directory.Read.All', 'DelegatedPermissionGrant.ReadWrite.All', 'Directory.AccessAsUser.All'],
  grant: ['DelegatedPermissionGrant.ReadWrite.All', 'Directory.AccessAsUser.All'],
} as const

/**
 * Authorizes a request by token and user. Writing takes an administrator role, as in a tenant where users may not register
 * applications.
 * @throws GraphError 403
 */
export function requireAccess({ graphCaller }: FastifyRequest, to: keyof typeof permissions): void {
  const isPermitted = permissions[to].some((name) => graphCaller?.scopes.includes(name))
  const isInRole = to === 'read' || graphCaller?.user.roles.some((role) => administrators.has(role)) === true
  if (isPermitted && isInRole) return
  throw new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.')
}
