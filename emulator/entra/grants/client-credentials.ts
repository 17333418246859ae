import { AadstsError } from '../aadsts.ts'
import { required } from '../parameters.ts'
import { onlyResource, parseScopes } from '../scopes.ts'
import type { Grant } from './grant.ts'

/** The client as itself (RFC 6749 §4.4): only with a credential, and only for `{resource}/.default`. */
export const clientCredentials: Grant = ({ authority, client, form }) => {
  if (client.authMethod === '0') throw new AadstsError(7000216)
  const scope = required(form, 'scope')
  const requested = onlyResource(parseScopes(scope, client.app, authority.tenant), scope)
  if (requested.names.join() !== '.default') throw new AadstsError(1002012, { scope })
  return { user: undefined, requested, roles: ['ServiceMessage.Read.All'] }
}
