//! The words for it in German, French, Spanish, Portuguese, Italian and Dutch, without accents.

use super::Meaning;

/// Say by their beginning that a row was used or changed.
const USED: &[&str] = &[
    // German
    "letzt",
    "zuletzt",
    "zugriff",
    "anmeldung",
    "eingeloggt",
    "angemeldet",
    "aender",
    "anderung",
    "geaender",
    "geander",
    "aktualisier",
    "bearbeitet",
    "bearbeitung",
    "gespeichert",
    "verwendet",
    "zeitstempel",
    "zeitpunkt",
    // French
    "dern",
    "connexion",
    "connecte",
    "utilise",
    "utilisation",
    "consulte",
    "envoye",
    "horodatage",
    // Spanish, Portuguese, Italian
    "ultim",
    "acceso",
    "accesso",
    "acesso",
    "acessad",
    "conexion",
    "conexao",
    "actualiz",
    "atualiz",
    "aggiorn",
    "alterad",
    "alterac",
    "recien",
    "utilizad",
    "utilizz",
    "collegat",
    // Dutch
    "laatst",
    "gewijzigd",
    "wijziging",
    "bijgewerkt",
    "ingelogd",
    "aangemeld",
    "bewerkt",
    "tijdstempel",
    "tijdstip",
];

/// The same as whole words.
const USED_WORDS: &[&str] = &[
    "aktiv",
    "aktivitaet",
    "aktivitat",
    "besuch",
    "besucht",
    "benutzt",
    "benutzung",
    "genutzt",
    "gesehen",
    "acces",
    "activite",
    "vu",
    "vue",
    "maj",
    "actividad",
    "atividade",
    "attivita",
    "uso",
    "usado",
    "usato",
    "visto",
    "actief",
    "activiteit",
    "bezoek",
    "bezocht",
    "gebruik",
    "gebruikt",
    "gezien",
];

/// Say by their beginning that a row was made.
const MADE: &[&str] = &[
    // German
    "erstellt",
    "erstellung",
    "erstelld",
    "erstellz",
    "angelegt",
    "anlage",
    "anlege",
    "erzeug",
    "eingefueg",
    "eingefug",
    "eingetragen",
    "erfasst",
    "anfang",
    "geburt",
    "gebucht",
    // French, Spanish, Portuguese, Italian
    "cree",
    "debut",
    "inscri",
    "ajout",
    "cread",
    "creaci",
    "creaz",
    "criad",
    "criac",
    "inici",
    "inizi",
    "registr",
    "cadastr",
    "inserid",
    "inserit",
    "emis",
    "emitid",
    "emess",
    "nacim",
    "nasc",
    "naissance",
    "comienzo",
    // Dutch
    "aangemaakt",
    "aanmaak",
    "gemaakt",
    "toegevoegd",
    "ingevoegd",
    "geregistreerd",
    "geboorte",
];

/// The same as whole words.
const MADE_WORDS: &[&str] = &[
    "ab", "seit", "von", "depuis", "desde", "alta", "dal", "sinds", "vanaf",
];

/// Say by their beginning that something ends.
const ENDS: &[&str] = &[
    "ablauf",
    "ablaeuf",
    "abgelaufen",
    "laeuftab",
    "lauftab",
    "verfall",
    "verfaell",
    "faellig",
    "fallig",
    "frist",
    "geloescht",
    "geloscht",
    "loesch",
    "losch",
    "echeance",
    "peremption",
    "jusqu",
    "clotur",
    "venc",
    "caduc",
    "encerr",
    "scad",
    "chius",
    "verlo",
    "verval",
    "eind",
];

/// The same as whole words.
const END_WORDS: &[&str] = &[
    "bis", "fin", "hasta", "ate", "fim", "termino", "validade", "fine", "fino", "termine", "tot",
];

/// Follow what was done at an instant, as `at` and `on` do, or say that it is one.
const NEUTRAL: &[&str] = &[
    "am", "um", "datum", "le", "el", "em", "il", "op", "fecha", "hora",
];

/// What a word says that is one of these.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    let is_one = |beginnings: &[&str], words: &[&str]| {
        words.contains(&word) || beginnings.iter().any(|part| word.starts_with(part))
    };
    if is_one(ENDS, END_WORDS) {
        Some(Meaning::End)
    } else if is_one(MADE, MADE_WORDS) {
        Some(Meaning::Creation)
    } else if is_one(USED, USED_WORDS) {
        Some(Meaning::LastUse)
    } else {
        None
    }
}

/// Whether the word leaves the meaning of the others alone.
pub(super) fn is_neutral(word: &str) -> bool {
    NEUTRAL.contains(&word)
}

/// The letter without its accent.
pub fn without_accent(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        other => other,
    }
}
