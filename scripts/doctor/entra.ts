import { tenantEndpoints } from '../../src/config/tenant.ts'
import { isLoopback } from '../../src/lib/loopback.ts'
import { OperatorError } from '../shared/operator-error.ts'
import type { Context, Entra } from './context.ts'
import type { Check } from './examine.ts'
import { failure, type Opinion, ok } from './finding.ts'
import { type Answer, jsonOf } from './probe.ts'

const nothingKnown = ({ config, deployment }: Context) =>
  config === undefined && deployment === undefined ? 'neither a configuration nor a deployment says which' : undefined

/** Entra answers, knows the tenant, and calls itself what the server expects. */
export const tenant: Check = {
  name: 'tenant',
  // Without a sound configuration it is the deployment that says which tenant.
  needs: ({ config, env, deployment }) =>
    config !== undefined
      ? []
      : deployment !== undefined
        ? ['public address']
        : env !== undefined
          ? ['configuration']
          : [],
  unless: nothingKnown,
  async run({ entra, toMicrosoft }) {
    const place = await entra()
    return judgeDiscovery(await toMicrosoft.get(place.discoveryUrl), place)
  },
}

/** The keys that tokens are proven with. */
export const signingKeys: Check = {
  name: 'signing keys',
  needs: ['tenant'],
  unless: nothingKnown,
  async run({ entra, toMicrosoft }) {
    const { keysUrl } = await entra()
    return judgeKeys(jsonOf(await toMicrosoft.get(keysUrl), 'The key set of the tenant'))
  },
}

export function judgeDiscovery(answer: Answer, { tenantId, issuer, authorityHost }: Entra): Opinion {
  if (/AADSTS(90002|900023)\b/.test(answer.body)) {
    return failure(
      `Entra knows no tenant ${tenantId} (at ${authorityHost}).`,
      'Check GRAPH_TENANT_ID, and ENTRA_AUTHORITY_HOST where it is a national cloud.',
    )
  }
  const named = jsonOf(answer, 'The discovery document of the tenant')['issuer']
  if (named === issuer) return ok(issuer)
  return failure(
    `Entra calls itself ${String(named).slice(0, 200)}, and the server expects ${issuer}.`,
    'Check ENTRA_AUTHORITY_HOST: tokens are refused as wrong_issuer.',
  )
}

export function judgeKeys({ keys }: Readonly<Record<string, unknown>>): Opinion {
  const usable = (Array.isArray(keys) ? keys : []).filter(
    (key: { kty?: unknown; use?: unknown; kid?: unknown } | null) =>
      key?.kty === 'RSA' && (key.use === undefined || key.use === 'sig') && typeof key.kid === 'string',
  )
  if (usable.length > 0) return ok(`${usable.length} RSA keys`)
  return failure('The key set holds no RSA key to prove tokens with.', 'Check the way to ENTRA_AUTHORITY_HOST.')
}

/** The tenant by the configuration or, where there is none, by what the deployment says. @throws {OperatorError} */
export async function entraOf({
  config,
  deployment,
  toDeployment,
}: Pick<Context, 'config' | 'deployment' | 'toDeployment'>): Promise<Entra> {
  if (config !== undefined) return placeOf(config.entra)
  if (deployment === undefined) throw new OperatorError('No tenant is known.', 'Name a configuration or a deployment.')
  const { tenantId, clientId } = jsonOf(await toDeployment.get(`${deployment.origin}/discover`), '/discover')
  const path = '/.well-known/oauth-authorization-server'
  const server = jsonOf(await toDeployment.get(`${deployment.origin}${path}`), path)
  const [, authorityHost = ''] =
    /^(https?:\/\/[^/]+)\/[0-9a-f-]{36}\/discovery\/v2\.0\/keys$/.exec(String(server['jwks_uri'])) ?? []
  if (!isEntra(authorityHost, deployment.origin) || !isGuid(tenantId) || !isGuid(clientId)) {
    throw new OperatorError('The deployment does not say which tenant it is of.', 'Name its configuration: --env-file.')
  }
  return placeOf({ authorityHost, tenantId, clientId })
}

/** Microsoft, "National clouds". */
const authorityHosts = new Set([
  'https://login.microsoftonline.com',
  'https://login.microsoftonline.us',
  'https://login.partner.microsoftonline.cn',
])

/** An operator may sign in where a deployment says, so it may name Microsoft's own hosts alone, or both are on this machine. */
function isEntra(authorityHost: string, deploymentOrigin: string): boolean {
  const isHere = (url: string) => URL.canParse(url) && isLoopback(new URL(url).hostname)
  return authorityHosts.has(authorityHost) || (isHere(authorityHost) && isHere(deploymentOrigin))
}

function isGuid(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
}

function placeOf(entra: { authorityHost: string; tenantId: string; clientId: string }): Entra {
  const { issuer, keysUrl, tokenUrl } = tenantEndpoints(entra)
  return { ...entra, issuer, keysUrl, tokenUrl, discoveryUrl: `${issuer}/.well-known/openid-configuration` }
}
