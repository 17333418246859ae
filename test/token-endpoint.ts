import { after, beforeEach } from 'node:test'
import { tenantEndpoints } from '../src/config/tenant.ts'
import { type BoundedRequest, createBoundedClient } from '../src/lib/bounded-client.ts'
import { withClientSecret } from '../src/plugins/client-credential/client-authentication.ts'
import { startEmulator } from './tenant.ts'

/**
 * An emulated tenant, and a client of its token endpoint. Each test begins without faults, and with nothing `posted`; both
 * are closed after the file's tests.
 */
export async function startTokenEndpoint() {
  const tenant = await startEmulator()
  const client = createBoundedClient({
    connectTimeoutMs: 5_000,
    deadlineMs: 5_000,
    maxBodyBytes: 128 * 1024,
    connections: 8,
  })
  const posted: BoundedRequest[] = []
  beforeEach(() => {
    tenant.faults.clear()
    posted.length = 0
  })
  after(async () => {
    await client.close()
    await tenant.close()
  })
  /** Whether Entra keeps requests waiting, which then end by a deadline that a test can wait for. */
  const isSilent = () => tenant.faults.rules.some(({ kind }) => kind === 'hang' || kind === 'endless')
  const http = {
    request: (request: BoundedRequest) => {
      posted.push(request)
      return client.request(isSilent() ? { ...request, deadlineMs: 200 } : request)
    },
  }
  const { tenantId, api, origin } = tenant
  return {
    tenant,
    posted,
    /** Options of whoever posts to the endpoint. */
    options: {
      clientId: api.clientId,
      withClientAuth: withClientSecret(api.clientSecret),
      endpoints: tenantEndpoints({ authorityHost: origin, tenantId, clientId: api.clientId }),
      http,
    },
  }
}

/** The claims of a JWT, which is not verified. */
export const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
