import { isLoopback } from '../lib/loopback.ts'
import { type Environment, originOf, type ReportIf } from './environment.ts'

/** How an app authenticates to Entra. */
export type ClientCredential =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate_file'; readonly path: string }
  | ({ readonly kind: 'vault_key'; readonly certificateName: string } & VaultAccess)
  | ({
      readonly kind: 'vault_secret'
      readonly secretName: string
      readonly secretVersion: string | undefined
      /** Hex. */
      readonly thumbprint: string | undefined
    } & VaultAccess)
  /** A federated credential of the app names this identity. */
  | { readonly kind: 'managed_identity'; readonly identityClientId: string }

interface VaultAccess {
  readonly vaultUrl: string
  /** The managed identity that may open it; the system-assigned one where undefined. */
  readonly identityClientId: string | undefined
}

/** The one credential that is configured. */
export function readCredential(given: Environment, production: boolean, reportIf: ReportIf): ClientCredential {
  const vaultUrl = readVaultUrl(given.GRAPH_CLIENT_CERT_KEYVAULT_URL, production, reportIf)
  const identityClientId = given.GRAPH_MANAGED_IDENTITY_CLIENT_ID?.toLowerCase()
  const [first, ...others] = (
    [
      'GRAPH_CLIENT_SECRET',
      'GRAPH_CLIENT_CERT_PATH',
      vaultUrl === undefined ? 'GRAPH_MANAGED_IDENTITY_CLIENT_ID' : 'GRAPH_CLIENT_CERT_KEYVAULT_URL',
    ] as const
  ).filter((name) => given[name] !== undefined)
  for (const other of others) reportIf(true, other, 'conflict', `is mutually exclusive with ${first}`)

  for (const [name, needed] of [
    ['GRAPH_CLIENT_CERT_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL'],
    ['GRAPH_CLIENT_CERT_SECRET_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL'],
    ['GRAPH_CLIENT_CERT_SECRET_VERSION', 'GRAPH_CLIENT_CERT_SECRET_NAME'],
    ['GRAPH_CLIENT_CERT_THUMBPRINT', 'GRAPH_CLIENT_CERT_SECRET_NAME'],
  ] as const) {
    reportIf(given[name] !== undefined && given[needed] === undefined, name, 'requires', `requires ${needed}`)
  }

  const { GRAPH_CLIENT_SECRET: secret, GRAPH_CLIENT_CERT_PATH: path } = given
  if (secret !== undefined) return { kind: 'secret', secret }
  if (path !== undefined) return { kind: 'certificate_file', path }
  if (vaultUrl !== undefined) return vaultCredential(given, { vaultUrl, identityClientId }, reportIf)
  if (identityClientId !== undefined) return { kind: 'managed_identity', identityClientId }
  reportIf(
    true,
    'GRAPH_CLIENT_SECRET',
    'missing',
    'is required, or GRAPH_CLIENT_CERT_PATH, GRAPH_CLIENT_CERT_KEYVAULT_URL or GRAPH_MANAGED_IDENTITY_CLIENT_ID',
  )
  return { kind: 'secret', secret: '' }
}

function readVaultUrl(given: string | undefined, production: boolean, reportIf: ReportIf): string | undefined {
  if (given === undefined) return undefined
  const name = 'GRAPH_CLIENT_CERT_KEYVAULT_URL'
  const url = originOf(given)
  reportIf(url === undefined, name, 'invalid', 'must be an origin, such as https://name.vault.azure.net')
  const isUnsafe = production && url !== undefined && isLoopback(new URL(url).hostname)
  reportIf(isUnsafe, name, 'unsafe', 'must not be a loopback address in production')
  return url ?? given
}

function vaultCredential(given: Environment, access: VaultAccess, reportIf: ReportIf): ClientCredential {
  const { GRAPH_CLIENT_CERT_NAME: certificateName, GRAPH_CLIENT_CERT_SECRET_NAME: secretName } = given
  reportIf(
    certificateName !== undefined && secretName !== undefined,
    'GRAPH_CLIENT_CERT_SECRET_NAME',
    'conflict',
    'is mutually exclusive with GRAPH_CLIENT_CERT_NAME',
  )
  reportIf(
    certificateName === undefined && secretName === undefined,
    'GRAPH_CLIENT_CERT_KEYVAULT_URL',
    'requires',
    'requires GRAPH_CLIENT_CERT_NAME or GRAPH_CLIENT_CERT_SECRET_NAME',
  )
  if (secretName === undefined) return { kind: 'vault_key', certificateName: certificateName ?? '', ...access }
  return {
    kind: 'vault_secret',
    secretName,
    secretVersion: given.GRAPH_CLIENT_CERT_SECRET_VERSION,
    thumbprint: given.GRAPH_CLIENT_CERT_THUMBPRINT,
    ...access,
  }
}
