import { urlProblem } from './outside-url.js';
import { isPublicAddress } from './public-address.js';

it.each([
  ...[
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '10.255.255.255',
    '100.64.0.1',
    '100.100.100.200',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
  ],
  ...['168.63.129.16', '169.254.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.192', '192.0.2.1', '192.88.99.1'],
  ...['192.168.0.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1'],
  ...['255.255.255.255', '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '64:ff9b::7f00:1'],
  ...['64:ff9b:1::1', '100::1', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:db8::1', '2002:7f00:1::', '3fff::1', 'fc00::1'],
  ...['fd00:ec2::254', 'fdff::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', 'localhost', '127.1', '', '1.2.3'],
])('does not take %s for a public address', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

it.each([
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ...['168.63.129.15', '169.253.255.255', '172.15.255.255', '172.32.0.0', '192.167.255.255', '198.17.255.255', '198.20.0.0'],
  ...['223.255.255.255', '2001:4860:4860::8888', '2400:4050::1', '2606:4700::1111', '2a00::1'],
])('takes %s for a public address', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

describe('the URL of an endpoint', () => {
  const problemOf = (url: string) => urlProblem(url, { allowPrivate: false });

  it.each([
    'https://partner.example/webhooks',
    'https://partner.example:443/',
    'https://partner.example:8443/a?b=c',
    'https://企業.example/受信',
    'https://8.8.8.8/hook',
    'https://[2606:4700::1111]/hook',
  ])('may be %s', (url) => {
    expect(problemOf(url)).toBeUndefined();
  });

  it.each([
    ...['https://127.0.0.1/', 'https://127.1/', 'https://2130706433/', 'https://0x7f000001/', 'https://0x7f.1/', 'https://017700000001/'],
    ...['https://0177.0.0.1/', 'https://127.0.0.1./', 'https://１２７.０.０.１/', 'https://①②⑦.0.0.1/', 'https://%31%32%37.0.0.1/'],
    ...[
      'https://[::1]/',
      'https://[::ffff:127.0.0.1]/',
      'https://[::ffff:7f00:1]/',
      'https://[0:0:0:0:0:ffff:7f00:0001]/',
      'https://[::]/',
    ],
    ...['https://10.0.0.1/', 'https://167772161/', 'https://192.168.1.1:8443/', 'https://169.254.169.254/latest/meta-data'],
    ...['https://[fd00:ec2::254]/', 'https://[fe80::1]/', 'https://[64:ff9b::a00:1]/', 'https://0/', 'https://255.255.255.255/'],
  ])('is refused for its address: %s', (url) => {
    expect(problemOf(url)).toBe('must not name a private, local or reserved address');
  });

  it.each([
    ['http://partner.example/', 'must begin with https://'],
    ['ftp://partner.example/', 'must be an https URL, such as https://partner.example/webhooks'],
    ['file:///etc/passwd', 'must be an https URL, such as https://partner.example/webhooks'],
    ['partner.example', 'must be an https URL, such as https://partner.example/webhooks'],
    ['https://', 'must be an https URL, such as https://partner.example/webhooks'],
    ['https://user:pass@partner.example/', 'must not hold a user name or password: what is sent is signed'],
    ['https://user@partner.example/', 'must not hold a user name or password: what is sent is signed'],
    ['https://partner.example/#top', 'must not hold a fragment (#…)'],
    ['https://partner.example:25/', 'must use port 443 or one from 1024 on'],
    ['https://partner.example:1023/', 'must use port 443 or one from 1024 on'],
  ])('is refused: %s %s', (url, problem) => {
    expect(problemOf(url)).toBe(problem);
  });

  it('may be local, and http, where private addresses are allowed; never with a password', () => {
    const allowed = (url: string) => urlProblem(url, { allowPrivate: true });

    expect(allowed('http://127.0.0.1:80/hook')).toBeUndefined();
    expect(allowed('https://[::1]/')).toBeUndefined();
    expect(allowed('http://user:pass@127.0.0.1/')).toBeDefined();
    expect(allowed('gopher://127.0.0.1/')).toBeDefined();
  });
});
