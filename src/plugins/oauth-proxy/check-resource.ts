import { isResource, type ProtectedResource } from '../../config/resource.ts'
import { Failure } from '../../errors/index.ts'
import type { Parameters } from './parameters.ts'

/**
 * RFC 8707: if a client names a resource, once or several times, it is this server. Entra rejects the parameter, so it is
 * not passed on.
 *
 * @throws {Failure} `resource_invalid` or `parameter_repeated`
 */
export function checkResource(parameters: Parameters, resource: ProtectedResource): void {
  const named = new Set([parameters['resource'] ?? []].flat().filter((one) => one !== ''))
  if ([...named].every((one) => isResource(one, resource))) return
  if (named.size > 1) throw new Failure('parameter_repeated', { parameter: 'resource' })
  throw new Failure('resource_invalid', { detail: `Supported: ${resource.resource}.` })
}
