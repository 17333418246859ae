import assert from 'node:assert/strict'
import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { ConfidentialClientApplication, ManagedIdentityApplication } from '@azure/msal-node'
import { decodeJwt, SignJWT } from 'jose'
import { generate } from 'selfsigned'
import { AADSTS } from '../../emulator/entra/aadsts-table.ts'
import { call, exchangeForm, postToken, startTenant } from './entra-helper.ts'

const emulator = await startTenant()
const { api, client, mint, origin, tenant, tenantId } = emulator
const tokenUrl = `${origin}/${tenantId}/oauth2/v2.0/token`
const now = Math.floor(Date.now() / 1000)

async function makeCertificate(validity: { notBeforeDate?: Date; notAfterDate?: Date } = {}) {
  const made = await generate([{ name: 'commonName', value: 'test' }], {
    keySize: 2048,
    algorithm: 'sha256',
    ...validity,
  })
  return { pem: made.private, key: createPrivateKey(made.private), certificate: new X509Certificate(made.cert) }
}
const ours = await makeCertificate()
const expired = await makeCertificate({ notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2021-01-01') })
const strange = await makeCertificate()
api.certificates.push(ours.certificate, expired.certificate)
api.federatedCredentials.push({
  name: 'identity',
  issuer: `${origin}/${tenantId}/v2.0`,
  subject: tenant.managedIdentity.principalId,
  audiences: ['api://AzureADTokenExchange'],
})

const sha256 = ({ fingerprint256 }: X509Certificate) => base64url(fingerprint256)
const sha1 = ({ fingerprint }: X509Certificate) => base64url(fingerprint)
function base64url(fingerprint: string): string {
  return Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url')
}

interface Changes {
  header?: Record<string, unknown>
  claims?: Record<string, unknown>
  signer?: typeof ours
}

function sign({ header = {}, claims = {}, signer = ours }: Changes = {}): Promise<string> {
  return new SignJWT({
    iss: api.clientId,
    sub: api.clientId,
    aud: tokenUrl,
    jti: randomUUID(),
    nbf: now,
    exp: now + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'PS256', 'x5t#S256': sha256(signer.certificate), ...header })
    .sign(signer.key)
}

async function exchangeWith(assertion: string, changes: Record<string, string | undefined> = {}) {
  return postToken(emulator, {
    ...exchangeForm(emulator, await mint()),
    client_secret: undefined,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    ...changes,
  })
}

const accepted: { name: string; changes: Changes }[] = [
  { name: 'PS256 under the SHA-256 thumbprint', changes: {} },
  { name: 'RS256 under the SHA-1 thumbprint', changes: { header: { alg: 'RS256', x5t: sha1(ours.certificate) } } },
  { name: 'the issuer as audience', changes: { claims: { aud: `${origin}/${tenantId}/v2.0` } } },
]
for (const { name, changes } of accepted) {
  test(`${name} authenticates an app, and its token has azpacr 2`, async () => {
    const { status, body } = await exchangeWith(await sign(changes))
    assert.equal(status, 200)
    assert.equal(decodeJwt(body.access_token ?? '')['appidacr'], '2')
  })
}

const invalidAssertions: { name: string; changes: Changes; code: number }[] = [
  { name: 'a certificate that is not registered', changes: { signer: strange }, code: 700027 },
  {
    name: 'another key under a registered thumbprint',
    changes: { signer: { ...strange, certificate: ours.certificate } },
    code: 700027,
  },
  { name: 'no thumbprint', changes: { header: { 'x5t#S256': undefined } }, code: 700027 },
  {
    name: 'PS256 under the SHA-1 thumbprint',
    changes: { header: { 'x5t#S256': sha1(ours.certificate) } },
    code: 700027,
  },
  { name: 'PS384', changes: { header: { alg: 'PS384' } }, code: 700027 },
  { name: 'an expired certificate', changes: { signer: expired }, code: 700024 },
  { name: 'an expired assertion', changes: { claims: { exp: now - 301 } }, code: 700024 },
  { name: 'an assertion of the future', changes: { claims: { nbf: now + 400 } }, code: 700024 },
  { name: 'an assertion without exp', changes: { claims: { exp: undefined } }, code: 700024 },
  { name: 'another audience', changes: { claims: { aud: 'https://login.example/token' } }, code: 50027 },
  { name: 'another subject', changes: { claims: { sub: client.clientId } }, code: 50027 },
  { name: 'no jti', changes: { claims: { jti: undefined } }, code: 50027 },
  { name: 'another issuer', changes: { claims: { iss: client.clientId } }, code: 700211 },
]
for (const { name, changes, code } of invalidAssertions) {
  test(`${name} is invalidAssertions with AADSTS${code}`, async () => {
    const { status, body } = await exchangeWith(await sign(changes))
    assert.deepEqual(body.error_codes, [code])
    assert.equal(status, AADSTS.get(code)?.status)
  })
}

test('an assertion needs its type', async () => {
  const { body } = await exchangeWith(await sign(), { client_assertion_type: undefined })
  assert.deepEqual(body.error_codes, [900144])
})

test('one app’s assertion does not authenticate another', async () => {
  const { body } = await exchangeWith(await sign(), { client_id: client.clientId })
  assert.deepEqual(body.error_codes, [700211])
})

test('msal authenticates an app by certificate', async () => {
  const msal = new ConfidentialClientApplication({
    auth: {
      clientId: api.clientId,
      clientCertificate: {
        thumbprintSha256: ours.certificate.fingerprint256.replaceAll(':', ''),
        privateKey: ours.pem,
      },
      authority: `https://login.microsoftonline.com/${tenantId}`,
      authorityMetadata: JSON.stringify({
        issuer: `${origin}/${tenantId}/v2.0`,
        authorization_endpoint: `${origin}/${tenantId}/oauth2/v2.0/authorize`,
        token_endpoint: tokenUrl,
        jwks_uri: `${origin}/${tenantId}/discovery/v2.0/keys`,
      }),
    },
  })
  const scopes = ['https://graph.microsoft.com/.default']
  const result = await msal.acquireTokenOnBehalfOf({ oboAssertion: await mint(), scopes })
  assert.equal(decodeJwt(result?.accessToken ?? '')['appidacr'], '2')
})

/** As an app of Container Apps gets it. */
async function identityToken(resource: string): Promise<string> {
  Object.assign(process.env, {
    IDENTITY_ENDPOINT: `${origin}/msi/token`,
    IDENTITY_HEADER: tenant.managedIdentity.header,
  })
  const { clientId: userAssignedClientId } = tenant.managedIdentity
  const identity = new ManagedIdentityApplication({ managedIdentityIdParams: { userAssignedClientId } })
  return (await identity.acquireToken({ resource, forceRefresh: true })).accessToken
}

test('a managed identity’s token, acquired by msal as on Container Apps, authenticates the app that federates it', async () => {
  const token = await identityToken('api://AzureADTokenExchange')
  assert.equal((await exchangeWith(token)).status, 200)
  const { body } = await exchangeWith(token, { client_id: client.clientId, client_secret: undefined })
  assert.deepEqual(body.error_codes, [700211])
})

test('a managed identity’s token with another audience or subject is rejected', async () => {
  const forVault = await exchangeWith(await identityToken('api://vault'))
  assert.deepEqual(forVault.body.error_codes, [700212])
  const ofUser = await exchangeWith(await mint({ claims: { aud: 'api://AzureADTokenExchange' } }))
  assert.deepEqual(ofUser.body.error_codes, [700213])
  const claims = { sub: tenant.managedIdentity.principalId, aud: 'api://AzureADTokenExchange' }
  const forged = await exchangeWith(await mint({ key: 'foreign', claims }))
  assert.deepEqual(forged.body.error_codes, [700027])
  const over = await exchangeWith(await mint({ claims: { ...claims, exp: now - 301 } }))
  assert.deepEqual(over.body.error_codes, [700024])
})

test('the identity endpoints require their header and the configured identity', async () => {
  const query = `?resource=api%3A%2F%2Fx&client_id=${tenant.managedIdentity.clientId}`
  const header = tenant.managedIdentity.header
  assert.equal((await call(`${origin}/metadata/identity/oauth2/token${query}`)).status, 400)
  assert.equal((await call(`${origin}/msi/token${query}`)).status, 401)
  const otherClientQuery = `?resource=api%3A%2F%2Fx&client_id=${client.clientId}`
  const options = { headers: { metadata: 'true', 'x-identity-header': header } }
  assert.equal((await call(`${origin}/metadata/identity/oauth2/token${otherClientQuery}`, options)).status, 400)
  assert.equal((await call(`${origin}/msi/token${otherClientQuery}`, options)).status, 400)
})
