import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { User } from './directory.ts'
import type { Authority } from './entra/authority.ts'
import { type JwtClaims, signJwt } from './entra/jwt.ts'
import { accessTokenClaims, appOnlyClaims, idTokenClaims, tokenHeader } from './entra/tokens.ts'
import { GRAPH } from './tenant.ts'

/** What a minted token should be; without any of it, a good access token of the first user for the API. */
export const MintOptions = Type.Object(
  {
    /** Object id, user principal name or its first part; `load-00042` makes the user. */
    user: Type.Optional(Type.String({ minLength: 1 })),
    /** `access`: the user's for the API; `id`: the client's ID token; `graph`: the user's for Graph; `app`: no user. */
    kind: Type.Optional(Type.Enum(['access', 'id', 'graph', 'app'])),
    /** The token's shape; the API registration's own where absent. */
    version: Type.Optional(Type.Enum([1, 2])),
    /** Set over the claims it would have. */
    claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** Claims to leave out. */
    drop: Type.Optional(Type.Array(Type.String())),
    /** Set over the header it would have; `alg` is obeyed, `none` included. */
    header: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** A published key's id, or `foreign`: a forger's key under the current one's id. */
    key: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
)
export type MintOptions = Static<typeof MintOptions>

export type Mint = ReturnType<typeof createMint>

/** Signs any token, right or wrong. It asks nobody for consent: what it makes is what a test wants to see refused or served. */
export function createMint(authority: Authority) {
  return async (options: MintOptions = {}): Promise<string> => {
    const { current } = authority.keys
    const claims: JwtClaims = { ...mintedClaims(authority, options), ...options.claims }
    for (const name of options.drop ?? []) delete claims[name]
    const signer = await findSigner(authority, options.key)
    const named = options.key === 'foreign' ? current : signer
    return signJwt({ ...tokenHeader(claims, named), ...options.header }, claims, signer.privateKey)
  }
}

async function findSigner({ keys }: Authority, kid: string | undefined) {
  if (kid === undefined) return keys.current
  if (kid === 'foreign') return keys.foreign()
  const key = keys.find(kid)
  if (key === undefined) throw new RangeError(`no published key has the id ${kid}`)
  return key
}

function mintedClaims(authority: Authority, { user: reference, kind = 'access', version }: MintOptions): JwtClaims {
  const { api, client } = authority.tenant
  const user = findUser(authority, reference)
  const sessionId = randomUUID()
  const resource = { ...api, requestedAccessTokenVersion: version ?? api.requestedAccessTokenVersion }
  const signedIn = { user, proof: '1', acrs: [], clientCapabilities: [], sessionId } as const
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
        proof: '1',
        roles: ['Messages.Read'],
      })
  }
}

function findUser({ tenant: { directory } }: Authority, reference: string | undefined): User {
  const user = reference === undefined ? directory.people[0] : directory.find(reference)
  if (user === undefined) throw new RangeError(`nobody in the tenant is called ${reference}`)
  return user
}
