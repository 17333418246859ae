import assert from 'node:assert/strict'
import { createSign, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { generate } from 'selfsigned'
import { type BoundedRequest, type BoundedResponse, TransportError } from '../../../src/lib/bounded-client.ts'
import { CredentialError } from '../../../src/plugins/client-credential/credential-error.ts'
import { createVaultSigner } from '../../../src/plugins/client-credential/key-vault.ts'
import { createManagedIdentity, type ManagedIdentity } from '../../../src/plugins/client-credential/managed-identity.ts'

/** A vault with a public host name, on an emulated network. */

const url = 'https://contoso.vault.azure.net'
const made = await generate([{ name: 'commonName', value: 'client' }], { keySize: 2048, algorithm: 'sha256' })
const der = Buffer.from(made.cert.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
const signature = createSign('sha256').update('whatever').sign(made.private)

const json = (body: object, status = 200): BoundedResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
const challenge = (resource: string): BoundedResponse => ({
  ...json({}, 401),
  headers: { 'www-authenticate': `Bearer authorization="https://login.example/t", resource="${resource}"` },
})
const certificate = (changes: object = {}) => ({
  id: `${url}/certificates/client/1`,
  kid: `${url}/keys/client/1`,
  cer: der.toString('base64'),
  attributes: { enabled: true },
  ...changes,
})

const access = { vaultUrl: url, identityClientId: undefined }
const key = { kind: 'vault_key', certificateName: 'client', ...access } as const
const secret = {
  kind: 'vault_secret',
  secretName: 'client',
  secretVersion: undefined,
  thumbprint: undefined,
  ...access,
} as const

type Network = (request: BoundedRequest) => BoundedResponse | Promise<BoundedResponse>

function setUp(network: Network, credential: typeof key | typeof secret = key) {
  const asked: BoundedRequest[] = []
  const audiences: string[] = []
  const identity: ManagedIdentity = {
    async getToken(scopes) {
      audiences.push(...[scopes].flat())
      return { token: randomBytes(16).toString('hex'), expiresOnTimestamp: Date.now() + 3_600_000 }
    },
  }
  const http = {
    async request(request: BoundedRequest) {
      asked.push(request)
      return network(request)
    },
  }
  return { readSigner: createVaultSigner(credential, identity, http), asked, audiences }
}

/** Responds as a vault does: a challenge first, then by path. */
const honest =
  (responses: Readonly<Record<string, BoundedResponse>>, resource = 'https://vault.azure.net'): Network =>
  ({ url: asked, headers }) => {
    if (headers?.['authorization'] === undefined) return challenge(resource)
    return responses[new URL(asked).pathname] ?? json({ error: { code: 'NotFound' } }, 404)
  }

test('the challenge is met with a token for the vault’s own audience', async () => {
  const { readSigner, asked, audiences } = setUp(honest({ '/certificates/client/': json(certificate()) }))
  const { thumbprint } = await readSigner()
  assert.equal(thumbprint.length, 32)
  assert.deepEqual(audiences, ['https://vault.azure.net/.default'])
  assert.equal(asked[0]?.headers?.['authorization'], undefined)
  assert.ok(asked.every(({ headers = {} }) => !('accept-encoding' in headers)))
})

for (const resource of [
  'https://management.azure.com',
  'https://graph.microsoft.com',
  'https://evil.example',
  'https://azure.net.evil.example',
  'https://contoso.vault.azure.net.evil.example',
  'not a url',
]) {
  test(`a challenge for ${resource} gets no token`, async () => {
    const { readSigner, audiences } = setUp(honest({ '/certificates/client/': json(certificate()) }, resource))
    await assert.rejects(readSigner(), CredentialError)
    assert.deepEqual(audiences, [])
  })
}

test('an identity is asked for the resource of a scope', async () => {
  const asked: (string | null)[] = []
  const identity = createManagedIdentity(undefined, {
    async request({ url: endpoint }) {
      asked.push(new URL(endpoint).searchParams.get('resource'))
      return json({})
    },
  })
  const call = identity.getToken(['https://vault.azure.net/.default'])
  await assert.rejects(call, { message: /no token for https:\/\/vault\.azure\.net\b(?!\/)/ })
  assert.deepEqual(asked, ['https://vault.azure.net'])
})

test('a redirect is not followed', async () => {
  const elsewhere = { ...json({}, 302), headers: { location: 'https://evil.example/certificates/client/' } }
  const { readSigner, asked } = setUp(honest({ '/certificates/client/': elsewhere }))
  await assert.rejects(readSigner(), CredentialError)
  assert.deepEqual(new Set(asked.map((request) => new URL(request.url).origin)), new Set([url]))
})

const keys = { '/keys/client/1': json({ key: { kid: `${url}/keys/client/1`, kty: 'RSA' } }) }
const invalid: readonly [name: string, certificate: object, codes: readonly string[]][] = [
  [
    'a key of another vault',
    certificate({ kid: 'https://evil.vault.azure.net/keys/client/1' }),
    ['vault_response_invalid'],
  ],
  ['a key id that is not a URL', certificate({ kid: 'client' }), ['vault_response_invalid', 'vault_unavailable']],
  ['no key', certificate({ kid: undefined }), ['vault_response_invalid']],
  ['no certificate', certificate({ cer: undefined }), ['vault_response_invalid', 'certificate_invalid']],
  ['a malformed certificate', certificate({ cer: 'AAAA' }), ['certificate_invalid']],
  ['nothing', {}, ['vault_response_invalid', 'vault_unavailable']],
]
for (const [name, body, codes] of invalid) {
  test(`a certificate with ${name} is rejected`, async () => {
    const { readSigner, asked } = setUp(honest({ ...keys, '/certificates/client/': json(body) }))
    await assert.rejects(readSigner(), (thrown) => {
      assert.ok(thrown instanceof CredentialError && codes.includes(thrown.code), String(thrown))
      return true
    })
    assert.deepEqual(new Set(asked.map((request) => new URL(request.url).origin)), new Set([url]))
  })
}

test('the digest is signed with PS256, by the key of that version', async () => {
  const sign = json({ kid: `${url}/keys/client/1`, value: signature.toString('base64url') })
  const { readSigner, asked } = setUp(
    honest({ ...keys, '/certificates/client/': json(certificate()), '/keys/client/1/sign': sign }),
  )
  const signer = await readSigner()
  assert.deepEqual(await signer.sign(Buffer.from('input'), 'PS256'), signature)
  const posted = asked.filter(({ method }) => method === 'POST').at(-1)
  const { alg, value } = JSON.parse(posted?.body ?? '{}')
  assert.deepEqual([alg, Buffer.from(value, 'base64url').length], ['PS256', 32])
})

test('PKCS #12 is rejected with both fixes', async () => {
  const pkcs12 = json({ id: `${url}/secrets/client/1`, value: 'MII', contentType: 'application/x-pkcs12' })
  const { readSigner } = setUp(honest({ '/secrets/client/': pkcs12 }), secret)
  await assert.rejects(readSigner(), { message: /PKCS #12.*PEM.*GRAPH_CLIENT_CERT_NAME/ })
})

for (const kind of ['timeout', 'too_large', 'unreachable'] as const) {
  test(`the error of a call that ends as ${kind} quotes nothing of it`, async () => {
    const { readSigner } = setUp(
      () => Promise.reject(new TransportError(kind, new Error('with a token in it'))),
      secret,
    )
    await assert.rejects(readSigner(), (thrown) => {
      assert.ok(thrown instanceof CredentialError)
      assert.match(thrown.message, /cannot be reached/)
      assert.doesNotMatch(`${thrown.message} ${thrown.cause}`, /token in it/)
      return true
    })
  })
}
