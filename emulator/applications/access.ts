import type { FastifyRequest } from 'fastify'
import { GraphError } from '../graph/errors.ts'

/** Directory roles that may manage every application, and consent for everybody to delegated permissions. */
const administrators: ReadonlySet<string> = new Set([
  'Global Administrator',
  'Application Administrator',
  'Cloud Application Administrator',
])

/** Permissions of the token, any of which will do. `Directory.AccessAsUser.All` is what the Azure CLI's tokens hold. */
const permissions = {
  read: ['Application.Read.All', 'Application.ReadWrite.All', 'Directory.Read.All', 'Directory.AccessAsUser.All'],
  write: ['Application.ReadWrite.All', 'Directory.AccessAsUser.All'],
  readGrants: ['Directory.Read.All', 'DelegatedPermissionGrant.ReadWrite.All', 'Directory.AccessAsUser.All'],
  grant: ['DelegatedPermissionGrant.ReadWrite.All', 'Directory.AccessAsUser.All'],
} as const

/**
 * Lets a call through where both its token and its user may make it. As in a tenant where users may not register
 * applications, writing takes one of the administrators' roles.
 * @throws GraphError 403
 */
export function requireAccess({ graphCaller }: FastifyRequest, to: keyof typeof permissions): void {
  const isPermitted = permissions[to].some((name) => graphCaller?.scopes.includes(name))
  const isInRole = to === 'read' || graphCaller?.user.roles.some((role) => administrators.has(role)) === true
  if (isPermitted && isInRole) return
  throw new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.')
}
