import type { BoundedClient } from './bounded-client.ts'
import type { Deadline } from './deadline.ts'
import type { EntraAnswer } from './exchange-failure.ts'

/** What a form may hold that proves something. A refresh token that goes on being good comes back in the answer. */
const credentials = ['assertion', 'client_assertion', 'client_secret', 'code', 'code_verifier']
/** Nothing shorter is a credential of Entra's, and cutting it out would tear other text. */
const shortestCredential = 16

/**
 * Posts a form to Entra's token endpoint.
 *
 * @param body form-encoded
 * @throws {TransportError}
 */
export async function postForm(
  http: Pick<BoundedClient, 'request'>,
  url: string,
  { headers = {}, body = '' }: { headers?: Readonly<Record<string, string>>; body?: string },
  { leftMs: deadlineMs }: Deadline,
): Promise<EntraAnswer> {
  const answer = await http.request({ method: 'POST', url, headers, body, deadlineMs })
  const retryAfter = answer.headers['retry-after']
  const withheld = answer.status === 200 ? credentials : [...credentials, 'refresh_token']
  return {
    status: answer.status,
    body: without(withheld, answer.body, body),
    retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
  }
}

/** An answer that repeats what it was sent, as the error page of a proxy may, brings no credential into the log. */
function without(names: readonly string[], answer: string, form: string): string {
  const sent = new URLSearchParams(form)
  return names.reduce((text, name) => {
    const credential = sent.get(name) ?? ''
    if (credential.length < shortestCredential) return text
    return text.replaceAll(credential, '[withheld]').replaceAll(formEncoded(credential), '[withheld]')
  }, answer)
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
