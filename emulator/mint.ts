import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { User } from './directory.ts'
import type { Authority } from './entra/authority.ts'
import { type JwtClaims, signJwt } from './entra/jwt.ts'
import { accessTokenClaims, appOnlyClaims, idTokenClaims, tokenHeader } from './entra/tokens.ts'
import { GRAPH } from './tenant.ts'

/** Options of a minted token; by default a valid access token of the first user for the API. */
export const MintOptions = Type.Object(
  {
    /** Object id, user principal name or its first part; `load-00042` creates the user. */
    user: Type.Optional(Type.String({ minLength: 1 })),
    /** `access`: the user's for the API; `id`: the client's ID token; `graph`: the user's for Graph; `app`: no user. */
    kind: Type.Optional(Type.Enum(['access', 'id', 'graph', 'app'])),
    /** Token version; defaults to that of the API registration. */
    version: Type.Optional(Type.Enum([1, 2])),
    /** Overrides claims. */
    claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** Claims to omit. */
    drop: Type.Optional(Type.Array(Type.String())),
    /** Overrides header members; `alg` selects the algorithm, including `none`. */
    header: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** A published key's id, or `foreign`: an unpublished key with the current key's id. */
    key: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
)
export type MintOptions = Static<typeof MintOptions>

export type Mint = ReturnType<typeof createMint>

/** Signs any token, valid or not, without checking consent. */
export function createMint(authority: Authority) {
  return async (options: MintOptions = {}): Promise<string> => {
    const { current } = authority.keys
    const claims: JwtClaims = { ...mintedClaims(authority, options), ...options.claims }
    for (const name of options.drop ?? []) delete claims[name]
    const signer = await findSigner(authority, options.key)
    const headerKey = options.key === 'foreign' ? current : signer
    return signJwt({ ...tokenHeader(claims, headerKey), ...options.header }, claims, signer.privateKey)
  }
}

async function findSigner({ keys }: Authority, kid: string | undefined) {
  if (kid === undefined) return keys.current
  if (kid === 'foreign') return keys.foreign()
  const key = keys.find(kid)
  if (key === undefined) throw new RangeError(`Unknown key: ${kid}`)
  return key
}

function mintedClaims(authority: Authority, { user: reference, kind = 'access', version }: MintOptions): JwtClaims {
  const { api, client } = authority.tenant
  const user = findUser(authority, reference)
  const sessionId = randomUUID()
  const resource = { ...api, requestedAccessTokenVersion: version ?? api.requestedAccessTokenVersion }
  const signedIn = { user, authMethod: '1', acrs: [], clientCapabilities: [], sessionId } as const
  switch (kind) {
    case 'access':
      return accessTokenClaims(authority, {
        ...signedIn,
        client,
        resource,
        audience: api.identifierUri,
        scopes: api.scopes,
      })
    case 'graph':
      return accessTokenClaims(authority, {
        ...signedIn,
        client: api,
        resource: GRAPH,
        audience: GRAPH.identifierUri,
        scopes: api.graphPermissions,
      })
    case 'id':
      return idTokenClaims(authority, user, client, { sessionId })
    case 'app':
      return appOnlyClaims(authority, client, resource, {
        audience: api.identifierUri,
        authMethod: '1',
        roles: ['Messages.Read'],
      })
  }
}

function findUser({ tenant: { directory } }: Authority, reference: string | undefined): User {
  const user = reference === undefined ? directory.people[0] : directory.find(reference)
  if (user === undefined) throw new RangeError(`Unknown user: ${reference}`)
  return user
}
