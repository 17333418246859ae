import type { FastifyRequest } from 'fastify'
import { Failure } from '../../errors/index.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { type Client, clientKey, findKnownClient, isDocumentUrl } from './clients.ts'
import type { Context } from './context.ts'
import { optional, type Parameters } from './parameters.ts'
import { isSameText } from './same-text.ts'

/** As for the parameter `client_id`. */
const maxClientIdChars = 2_048

/** What `/token` and `/revoke` read of a request. Its `id` goes into Entra's log. */
export type TokenRequest = Pick<FastifyRequest<{ Body: Parameters }>, 'audit' | 'body' | 'headers' | 'id' | 'ip'>

/** The client of a token request. */
export interface IdentifiedClient {
  readonly id: string
  /** {@link clientKey} of its id. */
  readonly key: string
  /** Whether it has authenticated with a secret of its own: public clients do not. */
  readonly hasSecret: boolean
}

/**
 * Identifies the client of a token request, by HTTP Basic or in the form (RFC 6749 section 2.3.1). One that was given a
 * secret at `/register` has to send it, either way. All others are public and authenticate by PKCE; a secret is compared
 * if one is sent, and only the configured app has one. If that has another kind of credential, there is none to compare:
 * some clients cannot leave the field empty, and whatever is in it gives them nothing that PKCE does not.
 *
 * @returns undefined for a request that does not say who sends it
 * @throws {Failure} `client_unknown`, `client_authentication_failed` or `parameter_repeated`
 */
export async function authenticateClient(
  context: Pick<Context, 'entraClientId' | 'registrations' | 'secrets' | 'credential'>,
  { body, headers }: Pick<TokenRequest, 'body' | 'headers'>,
): Promise<IdentifiedClient | undefined> {
  const { clientId, secrets: sent } = readCredentials(body, headers.authorization)
  if (clientId === undefined) return undefined
  const isDocument = isDocumentUrl(clientId)
  const client = isDocument ? undefined : await findKnownClient(context, clientId)
  if (!isDocument && client === undefined) throw new Failure('client_unknown')
  if (!isAuthenticated(context, client, sent)) throw new Failure('client_authentication_failed')
  const id = client?.id ?? clientId
  return { id, key: clientKey(id), hasSecret: client?.hasSecret ?? false }
}

/** Whether one of the spellings of a secret is right, or none was sent by a client that needs none. */
function isAuthenticated(
  { secrets, credential }: Pick<Context, 'secrets' | 'credential'>,
  client: Client | undefined,
  sent: readonly string[],
): boolean {
  if (client?.hasSecret) return sent.some((secret) => secrets.isRight(client.id, secret))
  if (sent.length === 0) return true
  if (client?.kind !== 'configured') return false
  return credential.kind !== 'secret' || sent.some((secret) => isSameText(secret, credential.secret))
}

/** The client id, and the secret in each spelling that may be meant; none if none was sent. */
function readCredentials(
  form: Parameters,
  authorization: string | undefined,
): { clientId: string | undefined; secrets: readonly string[] } {
  const clientId = optional(form, 'client_id')
  const secret = optional(form, 'client_secret')
  const assertion = optional(form, 'client_assertion')
  if (authorization === undefined) {
    return { clientId: clientId ?? subjectOf(assertion), secrets: secret === undefined ? [] : [secret] }
  }
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=_-]+)$/i.exec(authorization) ?? []
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':')
  const own = formDecoded(id)
  const sent = rest.join(':')
  // RFC 6749 section 2.3: one method a request, and not two clients in one.
  if (own === '' || secret !== undefined || (clientId !== undefined && clientId !== own)) {
    throw new Failure('client_authentication_failed')
  }
  // RFC 6749 section 2.3.1 has it form-encoded; the MCP SDKs send it as it is.
  return { clientId: own, secrets: sent === '' ? [] : [formDecoded(sent), sent] }
}

/**
 * The subject of a client assertion (RFC 7521 section 4.2 lets it stand for `client_id`). It is not verified: clients that
 * could sign one are served as public ones, so it names a client as `client_id` would, and authenticates nobody.
 */
function subjectOf(assertion = ''): string | undefined {
  const [, payload = ''] = assertion.split('.')
  const { sub } = (parseJson(Buffer.from(payload, 'base64url').toString()) ?? {}) as { sub?: unknown }
  return typeof sub === 'string' && sub !== '' && sub.length <= maxClientIdChars ? sub : undefined
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return ''
  }
}
