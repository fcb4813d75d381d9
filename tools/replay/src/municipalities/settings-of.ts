import type { ServiceName } from '../cloud/find-cloud.js';
import type { MunicipalityFile, ShopEntry } from './municipality-file.js';

/** One thing to set up: a PUT of `body` to `path`. */
export interface Setting {
  readonly service: ServiceName;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** It can be set only, not changed: no GET tells of it, and its PUT answers 201 when it was not set and 200 when it was. */
  readonly isSwitch?: true;
}

/** What a municipality needs, in steps: what a later step names stands after an earlier one. */
export function settingsOf(file: MunicipalityFile, cardScheme: string): Setting[][] {
  const municipality = `/v1/municipalities/${file.municipality.code}`;
  const of = (programme: string) => `${municipality}/programmes/${programme}`;
  const id = encodeURIComponent;
  const shop = (group: string | undefined) => (one: ShopEntry) =>
    setting('settlement', `${municipality}/shops/${id(one.id)}`, {
      name: one.name,
      group,
      programmes: one.programmes,
      status: 'active',
      tags: one.tags,
    });
  const {
    programmes,
    partners = [],
    schemes = [],
    groups = [],
    shops = [],
    facilities = [],
    products = [],
    funds = [],
    activities = [],
  } = file;
  return [
    [
      ...programmes.map(({ id: programme, name, firstDay, lastDay, historyOpen, reserve, rules }) =>
        setting('ledger', of(programme), {
          name,
          firstDay,
          lastDay,
          historyOpen,
          rules: {
            expiry: { ...rules.expiry },
            usableAt: rules.usableAt,
            ...(rules.refundOfExpired !== undefined && { refundOfExpired: rules.refundOfExpired }),
            ...(reserve && { reserve }),
          },
        }),
      ),
      // A step before its partners: what arrived earlier would not wait.
      ...programmes
        .filter((one) => one.reserve)
        .map((one): Setting => ({ ...setting('exchange', `${of(one.id)}/reserve`, {}), isSwitch: true })),
    ],
    [
      ...partners.map((one) =>
        setting('exchange', `${of(one.programme)}/partners/${id(one.id)}`, {
          name: one.name,
          rate: { ...one.rate },
          lotPartnerPoints: one.lotPartnerPoints,
        }),
      ),
      ...schemes.map((one) => setting('exchange', `${of(one.programme)}/schemes/${id(one.id)}`, { name: one.name, endpoint: cardScheme })),
      ...groups.map((one) => setting('settlement', `${municipality}/groups/${id(one.id)}`, { name: one.name })),
      ...facilities.map((one) => setting('catalog', `${municipality}/facilities/${id(one.id)}`, { name: one.name, tags: one.tags })),
      ...funds.map((one) => setting('catalog', `${municipality}/funds/${id(one.id)}`, { name: one.name, programme: one.programme })),
      ...activities.map((one) =>
        setting('catalog', `${municipality}/activities/${id(one.id)}`, { name: one.name, programme: one.programme, points: one.points }),
      ),
    ],
    [
      ...shops.map(shop(undefined)),
      ...groups.flatMap((group) => group.shops.map(shop(group.id))),
      ...products.map(({ id: product, name, kind, facility, prices, stock }) =>
        setting('catalog', `${municipality}/products/${id(product)}`, {
          name,
          kind,
          facility,
          prices: prices.map((price) => ({ ...price })),
          stock,
          status: 'on-sale',
        }),
      ),
    ],
  ];
}

/** Without the fields that the file does not give. */
function setting(service: ServiceName, path: string, body: Record<string, unknown>): Setting {
  return { service, path, body: Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) };
}
