import { Failure } from '../errors/index.ts'
import { type BoundedClient, TransportError } from './bounded-client.ts'
import type { Deadline } from './deadline.ts'
import type { EntraResponse } from './exchange-failure.ts'

/** Credentials in a form. A refresh token that stays valid is returned in the response. */
const credentials = ['assertion', 'client_assertion', 'client_secret', 'code', 'code_verifier']
/** Entra has no shorter credential, and removing shorter text would garble the rest. */
const shortestCredential = 16

/**
 * Posts a form to Entra's token endpoint.
 *
 * @param body form-encoded
 * @throws {Failure} `exchange_unavailable` where there is no response, with the {@link TransportError} as its cause
 */
export async function postForm(
  http: Pick<BoundedClient, 'request'>,
  url: string,
  { headers = {}, body = '' }: { headers?: Readonly<Record<string, string>>; body?: string },
  { leftMs: deadlineMs }: Deadline,
): Promise<EntraResponse> {
  const response = await http.request({ method: 'POST', url, headers, body, deadlineMs }).catch((error: unknown) => {
    throw error instanceof TransportError ? new Failure('exchange_unavailable', { cause: error }) : error
  })
  const retryAfter = response.headers['retry-after']
  const withheld = response.status === 200 ? credentials : [...credentials, 'refresh_token']
  return {
    status: response.status,
    body: redact(withheld, response.body, body),
    retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
  }
}

/** Removes credentials from a response that repeats its request, as the error page of a proxy may, so that none is logged. */
function redact(names: readonly string[], response: string, form: string): string {
  const sent = new URLSearchParams(form)
  return names.reduce((text, name) => {
    const credential = sent.get(name) ?? ''
    if (credential.length < shortestCredential) return text
    return text.replaceAll(credential, '[withheld]').replaceAll(formEncoded(credential), '[withheld]')
  }, response)
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
