import { Type } from 'typebox'
import { isResource, type ProtectedResource } from '../../config/resource.ts'
import { Failure } from '../../errors/index.ts'
import { maxSealedChars, maxSealedFormChars } from './seal.ts'

/**
 * A parameter of an OAuth request. Arrays let through duplicates, so that they are rejected with the right error
 * (RFC 6749 section 3.1) and not by the schema.
 */
const parameter = (maxLength: number) =>
  Type.Optional(Type.Union([Type.String({ maxLength }), Type.Array(Type.String({ maxLength }), { maxItems: 10 })]))

/** What `/authorize` reads (RFC 6749 section 4.1.1, RFC 7636, RFC 8707, OpenID Connect Core 3.1.2.1). */
export const AuthorizationParameters = Type.Object({
  client_id: parameter(2_048),
  redirect_uri: parameter(2_048),
  response_type: parameter(100),
  response_mode: parameter(100),
  state: parameter(2_048),
  scope: parameter(1_024),
  code_challenge: parameter(256),
  code_challenge_method: parameter(100),
  resource: parameter(2_048),
  prompt: parameter(100),
  login_hint: parameter(320),
  domain_hint: parameter(255),
  claims: parameter(4_096),
  request: parameter(8_192),
  request_uri: parameter(2_048),
})

/** What Entra adds to the callback's URL (RFC 6749 section 4.1.2). */
export const CallbackParameters = Type.Object({
  code: parameter(4_096),
  state: parameter(maxSealedChars),
  error: parameter(256),
  error_description: parameter(4_096),
})

/** The consent page's form. */
export const ConsentParameters = Type.Object({
  request: parameter(maxSealedFormChars),
  decision: parameter(10),
  confirmed: parameter(10),
})

/** How a client says who it is (RFC 6749 section 2.3.1, RFC 7521 section 4.2). */
const clientParameters = {
  client_id: parameter(2_048),
  client_secret: parameter(1_024),
  client_assertion: parameter(16_384),
}

/** What `/token` reads (RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.5). */
export const TokenParameters = Type.Object({
  ...clientParameters,
  grant_type: parameter(256),
  code: parameter(maxSealedChars),
  redirect_uri: parameter(2_048),
  code_verifier: parameter(256),
  refresh_token: parameter(maxSealedChars),
  resource: parameter(2_048),
  scope: parameter(1_024),
})

/** What `/revoke` reads (RFC 7009 section 2.1). */
export const RevocationParameters = Type.Object({
  ...clientParameters,
  token: parameter(maxSealedChars),
  token_type_hint: parameter(100),
})

/** Parameters by name, as Fastify parsed them. */
export type Parameters = Readonly<Record<string, string | string[] | undefined>>

/**
 * One parameter's value; an empty one counts as absent (RFC 6749 section 3.1).
 *
 * @throws {Failure} `parameter_repeated`
 */
export function optional(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name]
  if (Array.isArray(value)) throw new Failure('parameter_repeated', { parameter: name })
  return value === '' ? undefined : value
}

/** @throws {Failure} `parameter_repeated` or `parameter_missing` */
export function required(parameters: Parameters, name: string): string {
  const value = optional(parameters, name)
  if (value === undefined) throw new Failure('parameter_missing', { parameter: name })
  return value
}

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
