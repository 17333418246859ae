import { tenantEndpoints } from '../../src/config/tenant.ts'
import { isLoopback } from '../../src/lib/loopback.ts'
import { OperatorError } from '../shared/operator-error.ts'
import type { Context, Entra } from './context.ts'
import type { Check } from './examine.ts'
import { failure, type Outcome, ok } from './finding.ts'
import { jsonOf, type ProbeResponse } from './probe.ts'

const unknownTenant = ({ config, deployment }: Context) =>
  config === undefined && deployment === undefined ? 'neither a configuration nor a deployment names one' : undefined

/** Entra is reachable, knows the tenant, and has the issuer that the server expects. */
export const tenant: Check = {
  name: 'tenant',
  // Without a valid configuration the deployment names the tenant.
  needs: ({ config, env, deployment }) =>
    config !== undefined
      ? []
      : deployment !== undefined
        ? ['public address']
        : env !== undefined
          ? ['configuration']
          : [],
  unless: unknownTenant,
  async run({ entra, toMicrosoft }) {
    const endpoints = await entra()
    return judgeDiscovery(await toMicrosoft.get(endpoints.discoveryUrl), endpoints)
  },
}

/** The keys that tokens are verified with. */
export const signingKeys: Check = {
  name: 'signing keys',
  needs: ['tenant'],
  unless: unknownTenant,
  async run({ entra, toMicrosoft }) {
    const { keysUrl } = await entra()
    return judgeKeys(jsonOf(await toMicrosoft.get(keysUrl), 'Key set of the tenant'))
  },
}

/** AADSTS codes for a tenant that does not exist. */
const unknownTenantCodes: readonly unknown[] = [90002, 900023]

export function judgeDiscovery(response: ProbeResponse, { tenantId, issuer, authorityHost }: Entra): Outcome {
  const codes = response.json?.['error_codes']
  if (Array.isArray(codes) && codes.some((code) => unknownTenantCodes.includes(code))) {
    return failure(
      `Unknown tenant ${tenantId} (at ${authorityHost}).`,
      'Check GRAPH_TENANT_ID, and ENTRA_AUTHORITY_HOST where it is a national cloud.',
    )
  }
  const named = jsonOf(response, 'Discovery document of the tenant')['issuer']
  if (named === issuer) return ok(issuer)
  return failure(
    `Entra’s issuer is ${String(named).slice(0, 200)}; the server expects ${issuer}.`,
    'Check ENTRA_AUTHORITY_HOST: tokens are rejected as wrong_issuer.',
  )
}

export function judgeKeys({ keys }: Readonly<Record<string, unknown>>): Outcome {
  const usable = (Array.isArray(keys) ? keys : []).filter(
    (key: { kty?: unknown; use?: unknown; kid?: unknown } | null) =>
      key?.kty === 'RSA' && (key.use === undefined || key.use === 'sig') && typeof key.kid === 'string',
  )
  if (usable.length > 0) return ok(`${usable.length} RSA keys`)
  return failure('The key set has no RSA signing key.', 'Check the network path to ENTRA_AUTHORITY_HOST.')
}

/** The tenant of the configuration or, without one, of the deployment. @throws {OperatorError} */
export async function entraOf({
  config,
  deployment,
  toDeployment,
}: Pick<Context, 'config' | 'deployment' | 'toDeployment'>): Promise<Entra> {
  if (config !== undefined) return endpointsOf(config.entra)
  if (deployment === undefined) throw new OperatorError('Unknown tenant.', 'Name a configuration or a deployment.')
  const { tenantId, clientId } = jsonOf(await toDeployment.get(`${deployment.origin}/discover`), '/discover')
  const path = '/.well-known/oauth-authorization-server'
  const server = jsonOf(await toDeployment.get(`${deployment.origin}${path}`), path)
  const [, authorityHost = ''] =
    /^(https?:\/\/[^/]+)\/[0-9a-f-]{36}\/discovery\/v2\.0\/keys$/.exec(String(server['jwks_uri'])) ?? []
  if (!isEntra(authorityHost, deployment.origin) || !isGuid(tenantId) || !isGuid(clientId)) {
    throw new OperatorError('The deployment does not name its tenant.', 'Name its configuration: --env-file.')
  }
  return endpointsOf({ authorityHost, tenantId, clientId })
}

/** Microsoft, "National clouds". */
const authorityHosts = new Set([
  'https://login.microsoftonline.com',
  'https://login.microsoftonline.us',
  'https://login.partner.microsoftonline.cn',
])

/** An operator may sign in at the host that a deployment names: only Microsoft's own, or loopback if both are. */
function isEntra(authorityHost: string, deploymentOrigin: string): boolean {
  const isLocal = (url: string) => URL.canParse(url) && isLoopback(new URL(url).hostname)
  return authorityHosts.has(authorityHost) || (isLocal(authorityHost) && isLocal(deploymentOrigin))
}

function isGuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
}

function endpointsOf(entra: { authorityHost: string; tenantId: string; clientId: string }): Entra {
  const { issuer, keysUrl, tokenUrl } = tenantEndpoints(entra)
  return { ...entra, issuer, keysUrl, tokenUrl, discoveryUrl: `${issuer}/.well-known/openid-configuration` }
}
