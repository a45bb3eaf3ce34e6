// What is in the customer's wallet: made-up cards and addresses; and how money is written.

import { listOf, objectOf, textOf } from "./entries.js";

const CARDS = [
  { network: "Visa", type: "Credit", display_name: "Visa 1234" },
  { network: "MasterCard", type: "Debit", display_name: "MasterCard 5678" },
  { network: "AmEx", type: "Credit", display_name: "AmEx 9012" },
];

export const ADDRESSES = [
  {
    addressLines: ["1 Example Road"],
    locality: "Berlin",
    administrativeArea: "BE",
    postalCode: "10115",
    country: "Germany",
    countryCode: "DE",
  },
  {
    addressLines: ["22 Sample Drive"],
    locality: "Beverly Hills",
    administrativeArea: "CA",
    postalCode: "90210",
    country: "United States",
    countryCode: "US",
  },
  {
    addressLines: ["3 Specimen Street", "Flat 7"],
    locality: "London",
    administrativeArea: "",
    postalCode: "SW1A 2AA",
    country: "United Kingdom",
    countryCode: "GB",
  },
];

// What a business may ask to be told, in words.
const CONTACT_WORDS = {
  name: "name",
  phoneticName: "name as it is spoken",
  post: "address",
  postalAddress: "address",
  phone: "phone number",
  email: "email address",
};

// Every card, and whether a business takes it that takes these networks.
export function cardsFor(networks) {
  const taken = (Array.isArray(networks) ? networks : []).map((each) => textOf(each).toLowerCase());
  return CARDS.map((card) => ({ card, taken: taken.includes(card.network.toLowerCase()) }));
}

export function describeAddress(address) {
  const { postalCode, locality, administrativeArea, country } = address;
  const place = [locality, administrativeArea, postalCode].filter(Boolean).join(" ");
  return { lines: address.addressLines.join(", "), place: `${place}, ${country}` };
}

// What of the customer the business is told, as a list in words.
export function contactWords(request) {
  const asked = [request.requiredShippingContactFields, request.requiredBillingContactFields];
  const words = asked.flatMap((each) => (Array.isArray(each) ? each : []));
  const known = words.filter((word) => Object.hasOwn(CONTACT_WORDS, word));
  const told = [...new Set(known.map((word) => CONTACT_WORDS[word]))];
  return told.length < 2 ? told.join("") : `${told.slice(0, -1).join(", ")} and ${told.at(-1)}`;
}

// Whether anything is shipped: then the phone tells where to.
export function isShipped(request) {
  const fields = request.requiredShippingContactFields;
  return (Array.isArray(fields) && fields.length > 0) || methodsOf(request).length > 0;
}

export const methodsOf = (request) => listOf(request.shippingMethods);

// Gives the function that writes amounts in a message's currency; what is none stays as it is.
export function moneyOf(request, locale) {
  const currency = textOf(request.currencyCode);
  try {
    const style = { style: "currency", currency, maximumFractionDigits: 4 };
    const format = new Intl.NumberFormat(locale.replaceAll("_", "-"), style);
    return (amount) =>
      /^-?\d+(\.\d+)?$/.test(textOf(amount)) ? format.format(amount) : textOf(amount);
  } catch {
    return (amount) => `${textOf(amount)} ${currency}`.trim(); // no such currency, no such locale
  }
}

export function lineOf(value) {
  const { label, amount, type } = objectOf(value);
  return { label: textOf(label), amount: textOf(amount), pending: type === "pending" };
}
