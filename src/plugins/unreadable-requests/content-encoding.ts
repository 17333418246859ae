import type { FastifyRequest } from 'fastify'
import { Failure } from '../../errors/index.ts'

/**
 * A preParsing hook: rejects a compressed body before it is read (RFC 9110 section 15.5.16). Bodies here are small; a
 * compressed one may be small only on the wire.
 *
 * @throws {Failure} `content_encoding_unsupported`
 */
export async function rejectCompressedBody({ headers }: FastifyRequest): Promise<void> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding !== '' && encoding !== 'identity') throw new Failure('content_encoding_unsupported')
}
