import type { FileInfo, HeaderInfo } from '@points/http';
import { columns, OrderLine, type UploadFormat } from './read-orders.js';
import { lineBytesMax } from './split-lines.js';
import { mediaTypes } from './take-uploads.js';
import { uploadBytesMax, uploadLinesMax } from './upload.js';

const limits = `UTF-8, at most ${uploadBytesMax} bytes and ${uploadLinesMax} lines with an order, each of at most ${lineBytesMax} bytes`;

const ofFormat: Readonly<Record<UploadFormat, FileInfo>> = {
  csv: {
    description: `A header that names the columns (${columns.join(', ')}; the last two may be absent), then one order a line. ${limits}.`,
    line: OrderLine,
    example: 'orderId,myKeyId,partnerPoints\r\nA-1,KAWASA01,500\r\n',
  },
  jsonl: {
    description: `One JSON object a line, each an order. ${limits}.`,
    line: OrderLine,
    example: '{"orderId":"A-1","myKeyId":"KAWASA01","partnerPoints":500}\n',
  },
};

/** The body of an upload as OpenAPI has it: one entry for each type that is taken. */
export const uploadFiles: Readonly<Record<string, FileInfo>> = Object.fromEntries(
  Object.entries(mediaTypes).map(([media, format]) => [media, ofFormat[format]]),
);

export const uploadHeaders: readonly HeaderInfo[] = [
  {
    name: 'Content-Digest',
    description: 'RFC 9530, of the body as it is sent; sha-256 is needed',
    isRequired: true,
    example: 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:',
  },
  {
    name: 'Signature-Input',
    description: 'RFC 9421; needed once the partner has registered a key',
    isRequired: false,
    example: 'sig1=("@method" "@path" "@query" "content-digest" "content-type");created=1763942400;keyid="key-1";nonce="b3k2"',
  },
  {
    name: 'Signature',
    description: 'RFC 9421, over what Signature-Input names',
    isRequired: false,
    example: 'sig1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv+ePFfD0=:',
  },
];
