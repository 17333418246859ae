import { isLoopback } from '../lib/loopback.ts'
import { type Environment, originOf, type Report } from './environment.ts'

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
export function readCredential(given: Environment, production: boolean, report: Report): ClientCredential {
  const vaultUrl = readVaultUrl(given.GRAPH_CLIENT_CERT_KEYVAULT_URL, production, report)
  const identityClientId = given.GRAPH_MANAGED_IDENTITY_CLIENT_ID?.toLowerCase()
  const kinds = (
    [
      'GRAPH_CLIENT_SECRET',
      'GRAPH_CLIENT_CERT_PATH',
      vaultUrl === undefined ? 'GRAPH_MANAGED_IDENTITY_CLIENT_ID' : 'GRAPH_CLIENT_CERT_KEYVAULT_URL',
    ] as const
  ).filter((name) => given[name] !== undefined)
  for (const other of kinds.slice(1)) report(other, 'conflict', `is mutually exclusive with ${kinds[0]}`)

  const requires = (name: keyof Environment, needed: keyof Environment) => {
    if (given[name] !== undefined && given[needed] === undefined) report(name, 'requires', `requires ${needed}`)
  }
  requires('GRAPH_CLIENT_CERT_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL')
  requires('GRAPH_CLIENT_CERT_SECRET_NAME', 'GRAPH_CLIENT_CERT_KEYVAULT_URL')
  requires('GRAPH_CLIENT_CERT_SECRET_VERSION', 'GRAPH_CLIENT_CERT_SECRET_NAME')
  requires('GRAPH_CLIENT_CERT_THUMBPRINT', 'GRAPH_CLIENT_CERT_SECRET_NAME')

  const { GRAPH_CLIENT_SECRET: secret, GRAPH_CLIENT_CERT_PATH: path } = given
  if (secret !== undefined) return { kind: 'secret', secret }
  if (path !== undefined) return { kind: 'certificate_file', path }
  if (vaultUrl !== undefined) return vaultCredential(given, { vaultUrl, identityClientId }, report)
  if (identityClientId !== undefined) return { kind: 'managed_identity', identityClientId }
  report(
    'GRAPH_CLIENT_SECRET',
    'missing',
    'is required, or GRAPH_CLIENT_CERT_PATH, GRAPH_CLIENT_CERT_KEYVAULT_URL or GRAPH_MANAGED_IDENTITY_CLIENT_ID',
  )
  return { kind: 'secret', secret: '' }
}

function readVaultUrl(given: string | undefined, production: boolean, report: Report): string | undefined {
  if (given === undefined) return undefined
  const url = originOf(given)
  if (url === undefined)
    report('GRAPH_CLIENT_CERT_KEYVAULT_URL', 'invalid', 'must be an origin, such as https://name.vault.azure.net')
  else if (production && isLoopback(new URL(url).hostname)) {
    report('GRAPH_CLIENT_CERT_KEYVAULT_URL', 'unsafe', 'must not be a loopback address in production')
  }
  return url ?? given
}

function vaultCredential(given: Environment, access: VaultAccess, report: Report): ClientCredential {
  const { GRAPH_CLIENT_CERT_NAME: certificateName, GRAPH_CLIENT_CERT_SECRET_NAME: secretName } = given
  if (certificateName !== undefined && secretName !== undefined) {
    report('GRAPH_CLIENT_CERT_SECRET_NAME', 'conflict', 'is mutually exclusive with GRAPH_CLIENT_CERT_NAME')
  } else if (certificateName === undefined && secretName === undefined) {
    report(
      'GRAPH_CLIENT_CERT_KEYVAULT_URL',
      'requires',
      'requires GRAPH_CLIENT_CERT_NAME or GRAPH_CLIENT_CERT_SECRET_NAME',
    )
  }
  if (secretName === undefined) return { kind: 'vault_key', certificateName: certificateName ?? '', ...access }
  return {
    kind: 'vault_secret',
    secretName,
    secretVersion: given.GRAPH_CLIENT_CERT_SECRET_VERSION,
    thumbprint: given.GRAPH_CLIENT_CERT_THUMBPRINT,
    ...access,
  }
}
