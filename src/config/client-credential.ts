import { isLoopback } from '../lib/loopback.ts'
import { type Environment, originOf, type Report } from './environment.ts'

/** How an app authenticates to Entra. */
export type ClientCredential = ReturnType<typeof readCredential>

/** The one credential that is configured. */
export function readCredential(given: Environment, production: boolean, report: Report) {
  const vaultUrl = readVaultUrl(given.GRAPH_CLIENT_CERT_KEYVAULT_URL, production, report)
  const identityClientId = given.GRAPH_MANAGED_IDENTITY_CLIENT_ID?.toLowerCase()
  const [first, ...others] = (
    [
      'GRAPH_CLIENT_SECRET',
      'GRAPH_CLIENT_CERT_PATH',
      vaultUrl === undefined ? 'GRAPH_MANAGED_IDENTITY_CLIENT_ID' : 'GRAPH_CLIENT_CERT_KEYVAULT_URL',
    ] as const
  ).filter((name) => given[name] !== undefined)
  for (const other of others) report(other, 'conflict', `is mutually exclusive with ${first}`)

  for (const [name, needed] of [
    ['GRAPH_CLIENT_CERT_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL'],
    ['GRAPH_CLIENT_CERT_SECRET_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL'],
    ['GRAPH_CLIENT_CERT_SECRET_VERSION', 'GRAPH_CLIENT_CERT_SECRET_NAME'],
    ['GRAPH_CLIENT_CERT_THUMBPRINT', 'GRAPH_CLIENT_CERT_SECRET_NAME'],
  ] as const) {
    if (given[name] !== undefined && given[needed] === undefined) report(name, 'requires', `requires ${needed}`)
  }

  const { GRAPH_CLIENT_SECRET: secret, GRAPH_CLIENT_CERT_PATH: path } = given
  if (secret !== undefined) return { kind: 'secret', secret } as const
  if (path !== undefined) return { kind: 'certificate_file', path } as const
  if (vaultUrl !== undefined) return vaultCredential(given, vaultUrl, identityClientId, report)
  // A federated credential of the app names this identity.
  if (identityClientId !== undefined) return { kind: 'managed_identity', identityClientId } as const
  report(
    'GRAPH_CLIENT_SECRET',
    'missing',
    'is required, or GRAPH_CLIENT_CERT_PATH, GRAPH_CLIENT_CERT_KEYVAULT_URL or GRAPH_MANAGED_IDENTITY_CLIENT_ID',
  )
  return { kind: 'secret', secret: '' } as const
}

function readVaultUrl(given: string | undefined, production: boolean, report: Report): string | undefined {
  if (given === undefined) return undefined
  const name = 'GRAPH_CLIENT_CERT_KEYVAULT_URL'
  const url = originOf(given)
  if (url === undefined) report(name, 'invalid', 'must be an origin, such as https://name.vault.azure.net')
  else if (production && isLoopback(new URL(url).hostname)) {
    report(name, 'unsafe', 'must not be a loopback address in production')
  }
  return url ?? given
}

/** @param identityClientId of the managed identity that may open the vault; the system-assigned one where undefined */
function vaultCredential(given: Environment, vaultUrl: string, identityClientId: string | undefined, report: Report) {
  const { GRAPH_CLIENT_CERT_NAME: certificateName, GRAPH_CLIENT_CERT_SECRET_NAME: secretName } = given
  if (certificateName !== undefined && secretName !== undefined) {
    report('GRAPH_CLIENT_CERT_SECRET_NAME', 'conflict', 'is mutually exclusive with GRAPH_CLIENT_CERT_NAME')
  } else if (certificateName === undefined && secretName === undefined) {
    const message = 'requires GRAPH_CLIENT_CERT_NAME or GRAPH_CLIENT_CERT_SECRET_NAME'
    report('GRAPH_CLIENT_CERT_KEYVAULT_URL', 'requires', message)
  }
  const access = { vaultUrl, identityClientId }
  if (secretName === undefined) return { kind: 'vault_key', certificateName: certificateName ?? '', ...access } as const
  return {
    kind: 'vault_secret',
    secretName,
    secretVersion: given.GRAPH_CLIENT_CERT_SECRET_VERSION,
    /** Hex. */
    thumbprint: given.GRAPH_CLIENT_CERT_THUMBPRINT,
    ...access,
  } as const
}
