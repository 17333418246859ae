import { constants, createHash, type KeyObject, privateDecrypt, randomBytes } from 'node:crypto'

const hashLength = 32

/**
 * PS256 over a digest, as a vault signs; Node's own `sign` needs the message.
 * RFC 8017 section 9.1.1, with SHA-256 and a salt as long as the hash.
 */
export function signDigest(digest: Buffer, privateKey: KeyObject): Buffer {
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0
  const length = Math.ceil((bits - 1) / 8)
  const salt = randomBytes(hashLength)
  const hash = sha256(Buffer.concat([Buffer.alloc(8), digest, salt]))
  const block = Buffer.concat([Buffer.alloc(length - 2 * hashLength - 2), Buffer.of(1), salt])
  const mask = mgf1(hash, block.length)
  const masked = block.map((byte, index) => byte ^ (mask[index] ?? 0))
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - (bits - 1)))
  const encoded = Buffer.concat([masked, hash, Buffer.of(0xbc)])
  return privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encoded)
}

/** RFC 8017 section B.2.1. */
function mgf1(seed: Buffer, length: number): Buffer {
  const rounds = Array.from({ length: Math.ceil(length / hashLength) }, (_, counter) => {
    const suffix = Buffer.alloc(4)
    suffix.writeUInt32BE(counter)
    return sha256(Buffer.concat([seed, suffix]))
  })
  return Buffer.concat(rounds).subarray(0, length)
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}
