import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { generate } from 'selfsigned'
import type { Emulator } from '../app.ts'
import { isSignedBy, readJwt } from '../entra/jwt.ts'
import { signDigest } from './rsa-pss.ts'

const audience = 'https://vault.azure.net'

/** A version of a certificate, which in a vault is also a key and a secret of the same name. */
export interface VaultCertificate {
  readonly version: string
  readonly certificate: X509Certificate
  /** Private key and certificate, PEM. */
  readonly pem: string
}

export interface KeyVault {
  readonly url: string
  /** PEM of the CA of its TLS certificate, for `NODE_EXTRA_CA_CERTS`. */
  readonly ca: string
  /** Makes every request fail: with a status, or without a response. */
  outage: number | 'hang' | 'reset' | undefined
  /** Paths of authenticated requests, without query. */
  readonly requested: string[]
  /** Creates a certificate, or its next version. */
  addCertificate(name: string, validity?: { notBefore: Date; notAfter: Date }): Promise<VaultCertificate>
  setSecret(name: string, value: string, contentType?: string): void
  close(): Promise<void>
}

/**
 * A Key Vault for one tenant, over TLS: certificates, secrets, and signing with keys. Only the managed identity's token
 * is accepted; other requests get a 401 with a challenge.
 * Source: Microsoft, "Azure Key Vault REST API reference", and "Authentication, requests and responses".
 */
export async function startKeyVault(emulator: Emulator): Promise<KeyVault> {
  const tls = await generate([{ name: 'commonName', value: 'vault' }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  })
  const app = Fastify({ https: { key: tls.private, cert: tls.cert }, forceCloseConnections: true })
  const certificates = new Map<string, VaultCertificate[]>()
  const secrets = new Map<string, { value: string; contentType: string | undefined }>()
  const vault: KeyVault = {
    url: '',
    ca: tls.cert,
    outage: undefined,
    requested: [],
    async addCertificate(name, validity) {
      const made = await makeCertificate(name, validity)
      certificates.set(name, [...(certificates.get(name) ?? []), made])
      return made
    },
    setSecret: (name, value, contentType) => void secrets.set(name, { value, contentType }),
    close: () => app.close(),
  }

  app.addHook('onRequest', async (request, reply) => {
    if (vault.outage === 'hang') return reply.hijack()
    if (vault.outage === 'reset') {
      reply.hijack()
      request.raw.socket.resetAndDestroy()
      return reply
    }
    if (vault.outage !== undefined) return sendError(reply, vault.outage, 'Fault', 'Injected fault.')
    if (!isAllowed(emulator, request)) {
      reply.header(
        'www-authenticate',
        `Bearer authorization="${emulator.origin}/${emulator.tenantId}", resource="${audience}"`,
      )
      return sendError(reply, 401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.')
    }
    vault.requested.push(request.url.split('?')[0] ?? '')
    return undefined
  })

  interface Named {
    Params: { name: string; version?: string }
  }
  const find = ({ name, version }: Named['Params']) => {
    const versions = certificates.get(name) ?? []
    return version ? versions.find((one) => one.version === version) : versions.at(-1)
  }
  const notFound = (reply: FastifyReply, kind: string) =>
    sendError(reply, 404, `${kind}NotFound`, `A ${kind.toLowerCase()} with this name and version was not found.`)

  for (const path of ['/certificates/:name', '/certificates/:name/:version']) {
    app.get<Named>(path, async ({ params }, reply) => {
      const found = find(params)
      if (found === undefined) return notFound(reply, 'Certificate')
      const ids = `${params.name}/${found.version}`
      return {
        id: `${vault.url}/certificates/${ids}`,
        kid: `${vault.url}/keys/${ids}`,
        sid: `${vault.url}/secrets/${ids}`,
        cer: found.certificate.raw.toString('base64'),
        attributes: { enabled: true },
      }
    })
  }
  for (const path of ['/secrets/:name', '/secrets/:name/:version']) {
    app.get<Named>(path, async ({ params }, reply) => {
      const plain = secrets.get(params.name)
      const found = find(params)
      if (plain === undefined && found === undefined) return notFound(reply, 'Secret')
      return {
        id: `${vault.url}/secrets/${params.name}/${found?.version ?? 'one'}`,
        ...(plain ?? { value: found?.pem, contentType: 'application/x-pem-file' }),
        attributes: { enabled: true },
      }
    })
  }
  app.get<Named>('/keys/:name/:version', async ({ params }, reply) => {
    const found = find(params)
    if (found === undefined) return notFound(reply, 'Key')
    const { n, e } = found.certificate.publicKey.export({ format: 'jwk' })
    const kid = `${vault.url}/keys/${params.name}/${found.version}`
    return { key: { kid, kty: 'RSA', n, e, key_ops: ['sign', 'verify'] }, attributes: { enabled: true } }
  })
  app.post<Named & { Body: { alg?: unknown; value?: unknown } }>(
    '/keys/:name/:version/sign',
    async ({ params, body }, reply) => {
      const found = find(params)
      if (found === undefined) return notFound(reply, 'Key')
      const digest = Buffer.from(String(body.value), 'base64url')
      if (body.alg !== 'PS256' || digest.length !== 32) {
        return sendError(reply, 400, 'BadParameter', 'Property has invalid value.')
      }
      const kid = `${vault.url}/keys/${params.name}/${found.version}`
      return { kid, value: signDigest(digest, createPrivateKey(found.pem)).toString('base64url') }
    },
  )

  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return Object.assign(vault, { url: `https://localhost:${port}` })
}

function isAllowed({ keys, tenant }: Emulator, { headers }: FastifyRequest): boolean {
  const jwt = readJwt(headers.authorization?.replace(/^Bearer /, '') ?? '')
  const key = keys.find(jwt?.header['kid'])
  if (jwt === undefined || key === undefined || !isSignedBy(jwt, key.publicKey)) return false
  const { aud, exp, sub } = jwt.claims
  return aud === audience && Number(exp) * 1000 > Date.now() && sub === tenant.managedIdentity.principalId
}

function sendError(reply: FastifyReply, status: number, code: string, message: string) {
  return reply.code(status).send({ error: { code, message } })
}

async function makeCertificate(
  name: string,
  validity?: { notBefore: Date; notAfter: Date },
): Promise<VaultCertificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    algorithm: 'sha256',
    ...(validity && { notBeforeDate: validity.notBefore, notAfterDate: validity.notAfter }),
  })
  return {
    version: randomBytes(16).toString('hex'),
    certificate: new X509Certificate(made.cert),
    pem: `${made.private}\n${made.cert}`,
  }
}
