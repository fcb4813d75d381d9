import { BlockList, isIP } from 'node:net';

/**
 * False for every address that is not on the public internet: loopback, private, link-local, shared (CGNAT), unique-local, multicast,
 * reserved, the clouds' metadata services, and every form that hides an IPv4 address in an IPv6 one. A webhook goes where a partner
 * says; without this check it could say the addresses of our own machines.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublic4.check(address, 'ipv4');
    case 6:
      return publicUnicast6.check(address, 'ipv6') && !notPublic6.check(address, 'ipv6');
    default:
      return false;
  }
}

/** IANA IPv4 Special-Purpose Address Registry, multicast, and one public address that is inside a cloud. */
const notPublic4 = listOf('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // RFC 6598, carrier-grade NAT; Alibaba's metadata service is 100.100.100.200.
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // Azure's host agent.
  ['169.254.0.0', 16], // Link-local; metadata services of AWS, Google, Azure and others are 169.254.169.254.
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // Multicast.
  ['240.0.0.0', 4], // Reserved, and broadcast.
]);

/**
 * All that IANA has given out for the public. What is outside is refused without being named: ::1, fe80::/10, fc00::/7 (with Amazon's
 * fd00:ec2::254), ff00::/8, ::ffff:0:0/96 (IPv4-mapped) and 64:ff9b::/96 (NAT64).
 */
const publicUnicast6 = listOf('ipv6', [['2000::', 3]]);

const notPublic6 = listOf('ipv6', [
  ['2001::', 23], // IETF protocol assignments; Teredo carries an IPv4 address.
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4 carries an IPv4 address.
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
]);

function listOf(family: 'ipv4' | 'ipv6', networks: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}
