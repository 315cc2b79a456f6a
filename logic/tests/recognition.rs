//! Every framework's own table is recognized, and nothing else is.

mod common;

use common::tables::{self, Table};
use logic::framework::{ColumnType, Framework, Further, Lifetime, Zone, frameworks};
use logic::meaning::{Meaning, meaning};
use logic::recognize::{Column, Doubt, Recognition, candidates, meaning_in, recognize};
use logic::table_name::{is_dated, is_of_sessions, of_partition, undated};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const TYPES: [ColumnType; 17] = [
    ColumnType::Text,
    ColumnType::Int2,
    ColumnType::Int4,
    ColumnType::Int8,
    ColumnType::Float8,
    ColumnType::Numeric,
    ColumnType::TimestampTz,
    ColumnType::Timestamp,
    ColumnType::Date,
    ColumnType::Bytea,
    ColumnType::Json,
    ColumnType::Uuid,
    ColumnType::Bool,
    ColumnType::Inet,
    ColumnType::Interval,
    ColumnType::Range,
    ColumnType::Other,
];

fn name(recognition: &Recognition) -> Option<&'static str> {
    match recognition {
        Recognition::One(framework) => Some(framework.name),
        _ => None,
    }
}

fn framework(table: &Table) -> &'static Framework {
    frameworks()
        .find(|framework| framework.name == table.framework)
        .unwrap_or_else(|| panic!("{} is not a framework", table.framework))
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        column_type,
        required: false,
    }
}

/// The columns of both, unless one name would need two types, or one table has all of them.
fn union(one: &Table, other: &Table) -> Option<Vec<Column>> {
    let mut columns = BTreeMap::new();
    for column in one.columns.iter().chain(&other.columns) {
        let known = columns.insert(&column.name, column.clone());
        if known.is_some_and(|known| known.column_type != column.column_type) {
            return None;
        }
    }
    let is_more = |table: &Table| columns.len() > table.columns.len();
    (is_more(one) && is_more(other)).then(|| columns.into_values().collect())
}

#[test]
fn every_framework_has_a_table_and_every_table_its_framework() {
    let with_table: BTreeSet<_> = tables::all().into_iter().map(|t| t.framework).collect();
    let known: BTreeSet<_> = frameworks().map(|f| f.name.to_owned()).collect();
    assert_eq!(with_table, known);
    assert_eq!(
        known.len(),
        frameworks().count(),
        "two frameworks of one name"
    );
}

#[test]
fn every_table_is_recognized_as_its_own_framework_and_no_other() {
    for table in tables::all() {
        let recognition = recognize("public", &table.name, &table.columns);
        let expected = Recognition::One(framework(&table));
        assert_eq!(recognition, expected, "{}", table.framework);
        // With a column more it has to go by the name.
        let is_named = framework(&table).is_surely_named(&table.name);
        assert!(
            is_named,
            "{}: \"named\" lacks {}",
            table.framework, table.name
        );
    }
}

#[test]
fn a_frameworks_table_is_recognized_as_sites_have_it() {
    let variants = tables::variants();
    assert!(variants.len() > 30);
    for table in variants {
        let recognition = recognize("public", &table.name, &table.columns);
        assert_eq!(
            recognition,
            Recognition::One(framework(&table)),
            "{}",
            table.name
        );
    }
}

#[test]
fn a_table_with_the_columns_of_two_frameworks_is_refused() {
    let tables = tables::all();
    let mut refused = 0;
    for one in &tables {
        for other in tables.iter().filter(|t| t.framework != one.framework) {
            let Some(columns) = union(one, other) else {
                continue;
            };
            let recognition = recognize("public", &one.name, &columns);
            // Of two that share most of their columns, one may account for all of them.
            let is_told = !is_taken_for_more(&recognition, &columns);
            assert!(
                is_told || !matches!(recognition, Recognition::One(_)),
                "{} and {}: {recognition:?}",
                one.framework,
                other.framework
            );
            refused += 1;
        }
    }
    assert!(refused > tables.len(), "hardly any pair could be united");
}

/// Whether a framework is recognized that does not know what its INSERT would have to fill in.
fn is_taken_for_more(recognition: &Recognition, columns: &[Column]) -> bool {
    matches!(recognition, Recognition::One(framework) if columns
        .iter()
        .any(|column| column.required && !framework.knows(&column.name, column.column_type)))
}

#[test]
fn a_table_that_lacks_one_of_the_columns_is_refused() {
    for table in tables::all() {
        for (lacking, _) in framework(&table).columns {
            let mut columns = table.columns.clone();
            columns.retain(|column| column.name != *lacking);
            let recognition = recognize("public", &table.name, &columns);
            let context = format!("{} without {lacking}", table.framework);
            // What is left may be the whole table of another: a newer version's, or a neighbour's.
            assert!(
                !matches!(recognition, Recognition::Many(_))
                    && !is_taken_for_more(&recognition, &columns),
                "{context}: {recognition:?}"
            );
        }
    }
}

#[test]
fn a_table_with_another_type_in_one_of_the_columns_is_refused() {
    for table in tables::all() {
        for (changed, expect) in framework(&table).columns {
            for other in TYPES.into_iter().filter(|t| !expect.accepts(*t)) {
                let mut columns = table.columns.clone();
                let column = columns.iter_mut().find(|c| c.name == *changed).unwrap();
                column.column_type = other;
                let recognition = recognize("public", &table.name, &columns);
                match recognition {
                    Recognition::None | Recognition::Unsure(..) | Recognition::Many(_) => {}
                    // The same store, made by another tool with another type.
                    Recognition::One(_) => {
                        assert!(
                            !is_taken_for_more(&recognition, &columns),
                            "{changed}: {recognition:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_number_column_may_be_integer_or_bigint() {
    for mut table in tables::all() {
        for width in [ColumnType::Int4, ColumnType::Int8] {
            for column in &mut table.columns {
                if matches!(column.column_type, ColumnType::Int4 | ColumnType::Int8) {
                    column.column_type = width;
                }
            }
            let recognized = name(&recognize("public", &table.name, &table.columns));
            assert_eq!(recognized, Some(framework(&table).name));
        }
    }
}

#[test]
fn names_are_compared_as_they_are_written() {
    for table in tables::all() {
        let mut columns = table.columns.clone();
        for column in &mut columns {
            column.name = column.name.to_uppercase();
        }
        assert_eq!(
            recognize("public", &table.name, &columns),
            Recognition::None
        );
    }
}

#[test]
fn what_only_looks_like_a_session_table_is_not_taken_for_one() {
    let lookalikes = tables::lookalikes();
    assert!(lookalikes.len() > 50);
    for table in lookalikes {
        let recognition = recognize("public", &table.name, &table.columns);
        assert!(
            !matches!(recognition, Recognition::One(_)),
            "{}: {recognition:?}",
            table.name
        );
    }
    assert_eq!(recognize("public", "sessions", &[]), Recognition::None);
}

/// Common columns alone are a question; the name answers it, and a column that nobody knows answers it, too.
#[test]
fn a_table_with_common_columns_is_recognized_only_by_its_name_as_well() {
    let mut common = 0;
    for table in tables::all().iter().filter(|table| framework(table).common) {
        let recognition = recognize("public", "some_table", &table.columns);
        assert_eq!(
            recognition,
            Recognition::Unsure(framework(table), Doubt::Common)
        );
        common += 1;
    }
    assert!(common > 10);
}

/// Rows of these end, too, and are worth something afterwards, or are the only copy.
#[test]
fn no_framework_of_common_columns_is_recognized_by_the_name_of_something_else() {
    let things = "invitation licence coupon password_reset api_key api_key_session reservation quota certificate feature_flag lease lock \
        door_lock_key hotel_lock_keys therapy_session exam_session chat_session agent_session invoice warranty subscription consent \
        write_behind_cache pending_cache outbox_cache cache_journal draft_cache dirty_cache offline_cache master_cache unsent_caches \
        gift_card voucher ticket prescription visa passport membership domain_name escrow bid auction booking loan parking_permit \
        delivery_token contract trial challenge otp magic_link email_verification device_key signing_key webhook rental insurance";
    let mut tried = 0;
    for table in tables::all().iter().filter(|table| framework(table).common) {
        for thing in things.split_whitespace() {
            for name in [
                thing.to_owned(),
                format!("{thing}s"),
                format!("app_{thing}"),
                format!("user_{thing}s"),
            ] {
                let recognition = recognize("public", &name, &table.columns);
                let is_sure = matches!(recognition, Recognition::One(_));
                assert!(!is_sure, "{name} as {}", table.framework);
                tried += 1;
            }
        }
    }
    assert!(tried > 5000);
}

/// Sessions of other kinds have the same columns, so beside the word only those count that leave it a web site's.
#[test]
fn the_name_of_a_table_says_whether_it_holds_the_sessions_of_a_web_site() {
    for name in "session sessions Session Sessions SESSIONS user_session user_sessions UserSessions usersessions ci_sessions \
        http_sessions web_session auth_session oauth_sessions jettysessions tbl_session express_sessions session_store \
        login_sessions sess tower_session_data sessions_customsession core_usersession"
        .split_whitespace()
    {
        assert!(is_of_sessions(name), "{name}");
    }
    for name in "training_session TrainingSession trainingsessions session_types session_users sessions_user chat_sessions \
        game_session user_training_sessions uploadsessions session_recordings users possession obsession assess assessments \
        sessional session_1_notes sessions_training session_trainingsession cache web app user"
        .split_whitespace()
    {
        assert!(!is_of_sessions(name), "{name}");
    }
}

/// A prefix is the application's. What stands behind makes a copy's name of it, whatever the word is.
#[test]
fn a_table_with_more_behind_what_it_holds_in_its_name_is_a_question() {
    for table in tables::all() {
        let doubt = |name: &str, doubt| {
            let recognition = recognize("public", name, &table.columns);
            assert_eq!(
                recognition,
                Recognition::Unsure(framework(&table), doubt),
                "{name}"
            );
        };
        for behind in
            "_x _20240131t0900 _20240131T120000Z _2024q1 _2024_01_31_full _2024jan _tmp _stats _dwh \
            _antigua _1700000000 X ~ _"
                .split_whitespace()
        {
            doubt(&format!("{}{behind}", table.name), Doubt::Followed);
        }
        for date in ["_240131", "_31012024"] {
            doubt(&format!("{}{date}", table.name), Doubt::Dated);
        }
        for usual in [
            "_v2", "_1", "2", "_102008", "_table", "Data", "_django", "_users",
        ] {
            let name = format!("{}{usual}", table.name);
            let recognition = recognize("public", &name, &table.columns);
            assert!(
                !matches!(recognition, Recognition::Unsure(_, Doubt::Followed)),
                "{name}"
            );
        }
        for partition in [
            "_p1",
            "_default",
            "_2024_01",
            "_eu",
            "_past",
            "_expired",
            "_before_2024",
        ] {
            let name = format!("{}{partition}", table.name);
            let recognition = recognize("public", of_partition(&name), &table.columns);
            assert_eq!(recognition, Recognition::One(framework(&table)), "{name}");
        }
    }
}

/// What is over is what an archive is for. A table is not taken for a framework's by its columns alone where its name says so.
#[test]
fn a_table_whose_name_says_that_its_rows_are_kept_is_a_question() {
    for table in tables::all() {
        for word in "archive ARCHIV archived backups bak bk bkp deleted history Historie log old orig audit snapshot \
            before_migration gdpr_export quarantine legal_hold forensics retained sessionsbackup httpsessionbackup oldsessions \
            sessionbak copy1 old2 1old bak1 bkp2 sicherung3 restore recovered recovery pitr save clone dup legacy arch arc compliance \
            subpoena investigation kopie copie copia incident47 evidence1 never_delete do_not_delete permanent pinned retain aufbewahrung sperre forever eternal protected immutable \
            locked never_expires fraud court case_4711 vault undeletable nodelete papierkorb recycle_bin offload detached readonly mirror shadow stash parked deprecated fallback rollback \
            donttouch pre_migration"
            .split_whitespace()
        {
            let doubt = |schema: &str| recognize(schema, &table.name, &table.columns);
            let kept = Recognition::Unsure(framework(&table), Doubt::KeptSchema);
            assert_eq!(doubt(word), kept, "{word}");
            assert_eq!(doubt(&format!("{word}_2026")), kept, "{word}");
            assert_eq!(doubt(&format!("app_{word}")), kept, "{word}");
            for name in [
                format!("{}_{word}", table.name),
                format!("{word}_{}", table.name),
            ] {
                let expected = Recognition::Unsure(framework(&table), Doubt::Kept);
                assert_eq!(
                    recognize("public", &name, &table.columns),
                    expected,
                    "{name}"
                );
            }
        }
        for date in "_2024 _1999 2024 _202401 _20240101 20240131 _2024_01 _2024_01_31 -2024-01-31 _20240131_1200".split(' ') {
            let name = format!("{}{date}", table.name);
            let expected = Recognition::Unsure(framework(&table), Doubt::Dated);
            assert_eq!(recognize("public", &name, &table.columns), expected, "{name}");
            assert_eq!(undated(&name), table.name, "{name}");
        }
        for schema in "public_20240131 app_240131 public_202401 app_31012024 nightly_20240131t0900 2024_01_31_app_20240131".split(' ') {
            let dated = Recognition::Unsure(framework(&table), Doubt::DatedSchema);
            assert_eq!(recognize(schema, &table.name, &table.columns), dated, "{schema}");
        }
        for schema in "tenant_2024 tenant_0007 org_991399 customer_123456789 public app django sessions auth prod2 site_2 tenant_17 accounting holding goldsmith foldout customers \
            versicherung catalog blog".split_whitespace() {
            let recognition = recognize(schema, &table.name, &table.columns);
            assert_eq!(recognition, Recognition::One(framework(&table)), "{schema}");
        }
        for number in "_1 _2 2 _102008 _3000 _20 _202413".split(' ') {
            assert!(!is_dated(&format!("{}{number}", table.name)), "{number}");
        }
        let name = format!("{}_catalog", table.name);
        let kept = matches!(
            recognize("public", &name, &table.columns),
            Recognition::Unsure(_, Doubt::Kept)
        );
        assert!(!kept, "{name}");
    }
}

/// A row of any of them may be worth something after the instant by which its framework's rows expire.
#[test]
fn a_column_that_may_keep_a_row_for_longer_is_a_question_unless_the_framework_has_it() {
    use ColumnType::{
        Bool, Bytea, Date, Int2, Int4, Int8, Interval, Numeric, Other, Range, Text, Timestamp,
        TimestampTz,
    };
    let of = |column_type: ColumnType, names: &'static str| {
        let names = names.split_whitespace();
        names.map(move |name| (name, column_type))
    };
    let ends = [
        of(
            TimestampTz,
            "refresh_until renewable_until refresh_expiry absolute_timeout_at session_deadline purge_after new_expiry \
             expires_override max_expires_at hard_expires_at extended_to extended_until extends_to prolonged_to renewed_to \
             renewed_till good_through valid_through validity effective_to active_to stays_until offline_until grace_until \
             sunset_at cutoff lapses_at validity_end ende \
             keep_alive_until alive_until next_expiry next_expire_date next_end void_after auto_logout_at force_logout_deadline delete_not_before \
             cleanup_at reap_at evict_at destruction_date last_day last_date final_date last_possible_use last_allowed_login letzter_tag letzte_gueltigkeit ultimo_dia dernier_jour laatste_dag",
        ),
        of(
            Timestamp,
            "refreshTokenExpiresAt gueltig_bis goodThru laeuft_ab laeuftAb",
        ),
        of(
            TimestampTz,
            "invalid_after use_by renew_by best_before cleanup_after gc_after last_valid absolute_timeout",
        ),
        of(
            Int8,
            "refreshExpires idle_deadline delete_not_before extended_to use_by best_before max_expiry jwt_exp session_not_on_or_after sessionNotOnOrAfter \
             paid_thru prepaid_to subscribed_until leased_to licensed_through rented_till",
        ),
        of(
            Range,
            "validity valid_during active_period lifetime valid_range active_between slot",
        ),
        of(
            Text,
            "extended_until valid_until new_expires_at gueltig_bis_date gueltig_bis valid_to expires_after expires_override absolute_expiry expiry expiration end session_end \
             valid_through valid_till prorroga_hasta nouvelle_echeance expire_date_extended jwt_exp id_token_exp session_not_on_or_after SessionNotOnOrAfter paid_thru prepaid_to auto_logout_at",
        ),
        of(ColumnType::Json, "expires_at expires"),
        of(Int4, "refresh_expires_at"),
        of(
            Date,
            "laeuft_ab läuft_ab grace_ends_at valid_to valid_till extension_date eff_end retire_on eol drop_dead_date",
        ),
    ];
    let holds = [
        of(
            Bool,
            "legal_hold never_expires doNotDelete noexpiry is_permanent immortal exempt is_exempted whitelisted unlimited \
             perpetual evergreen auto_renew autoRenew renewable infinite indefinite skip_cleanup skip_gc no_gc nogc disable_expiry \
             ignore_expiry expires_disabled expiry_suspended do_not_purge compliance_flag pinned archived aufbewahren \
             expires_never never no_timeout timeout_disabled disable_timeout persistent endless can_expire sticky worm vip \
             deletion_protection deletion_forbidden deletion_blocked blocked_from_deletion delete_locked end_never \
             keep_alive end_blocked termination_suspended revocation_blocked expiry_deferred \
             deletable auto_delete delete_allowed may_be_deleted \
             admin_override active_after_expiry valid_after_expiry expired_but_valid bank_transfer_open banking_in_progress consumer_locked \
             blocked_by_order current_order_open",
        ),
        of(
            Text,
            "hold_reason evidence subpoena is_permanent refresh_token refreshToken oauth_refresh offline_token renewal_token \
             remember_token invoice_number pinned_by protected_by locked_by legal_case is_vip vip loeschsperre nicht_loeschen ne_pas_supprimer auto_renew \
             behalten locked deletable persist fraud_case betrugsverdacht reserved_for chargeback_id forensic_note",
        ),
        of(Bytea, "refresh_token_hash encryptedRefreshToken"),
        of(
            Int2,
            "permanent archived pinned sticky is_locked locked vip protect skip deletable auto_delete",
        ),
        of(
            Int4,
            "keep_days grace_period grace_seconds extend_by extension_days bonus_days extra_seconds refresh_ttl refresh_expires_in \
             postponed_days plus_days delay_hours is_vip has_hold min_lifetime minimum_days persist reserved fraud quarantined is_reserved \
             bewaren houden behalten unbefristet dauerhaft gesperrt guardar mantener garder illimite manter ilimitado mantieni permanente \
             in_use pin long_lived erasable cleanup_allowed no_borrar nao_excluir non_cancellare niet_verwijderen ne_pas_supprimer",
        ),
        of(
            Int8,
            "heldBy litigation_id investigation_id dispute_id is_vip",
        ),
        of(Date, "retention_until"),
        of(TimestampTz, "pinned_at frozen_at"),
        of(Numeric, "price amount"),
        of(
            Interval,
            "grace extension extra_time prolongation bonus whatever",
        ),
    ];
    let neither = [
        of(
            TimestampTz,
            "last_attempt_at sign_in_at logout_at keep_alive archived_at retired_at locked_at",
        ),
        of(Timestamp, "revoked_at keepalive_at"),
        of(
            Text,
            "user_agent ip_address locale language days minutes idle period life_story session_time time_zone timezone \
             hours_of_operation opening_hours page_length trust_device_name lifestyle keepalive next_token holder endpoint permanent_address access_token email extra room refresh_url phone_extension title \
             end_reason expired_by expiry_reason logout_url termination_reason logout_at next_at paid_by booked_by exp_code",
        ),
        of(
            Bool,
            "http_only cookies_accepted gdpr_consent terms_accepted is_api sso is_oauth is_employee dark_mode js_enabled is_tablet is_ios is_vpn \
             is_mobile_device user_blocked is_logged_out is_expired is_gracious trusted is_active mfa_passed is_alive blocked is_deleted deleted soft_deleted destroyed two_factor_passed factor_passed is_fido",
        ),
        of(
            Int4,
            "threshold sent_to refresh_count extra_logins is_active is_blocked delay plus deleted is_deleted age max_logins max_uses \
             login_count attempts failed_attempts hours_of_operation business_hours utc_offset_minutes timezone_offset_hours total_minutes \
             elapsed_seconds response_seconds minutes_online day hour min month trust_level trust_score window_size window_width \
             user_age image_age idled timeline life_stage longitude maximum intime maxlogin sessionid session_number priority domain_id last_ip last_page last_ip_id min_age durable terminal",
        ),
        of(Int8, "end_count assigned_to"),
        of(Other, "extra_scopes"),
    ];
    // Where an instant is followed by a lifetime, which may be the row's own.
    let lengths = [
        of(Int8, "expires_in max_age"),
        of(
            Int4,
            "timeout lifetime ttl idle_timeout session_lifetime remember is_remembered valid_for valid_days validity validity_minutes duration \
             duration_minutes session_length idle_limit time_to_live inactivity_limit lives_for lebensdauer gueltigkeit_minuten duree \
             duree_de_vie vigencia durata duracao geldigheid \
             maxage maxAge sessiontimeout sessionlifetime lifetimeminutes time_out life life_time life_span expiry_minutes minutes days \
             policy_days idle idle_min sliding_window sliding keepalive stay_signed_in trust_device trust_this_browser \
             sitzungsdauer Sitzungsdauer période срок срок_действия sessionlength idle_hours ventana_minutos \
             lease lease_time lease_seconds dur laufzeit restlaufzeit looptijd term time_left seconds_left remaining_minutes plazo prazo",
        ),
        of(
            Int2,
            "lifetime ttl_minutes max_age expires_in expire_after remember minutes idle life",
        ),
        of(
            Text,
            "lifetime ttl_minutes remember_me max_age maxage valid_minutes valid_seconds expiration_days expiry_minutes session_length valid_for \
             expires_in time_out life_time sitzungsdauer stay_signed_in trust_device lease laufzeit time_left",
        ),
        of(Other, "timeout_s"),
        of(Bool, "remember_me"),
        of(Interval, "lifetime idle_timeout session_ttl"),
    ];
    // A use may be later than the framework's.
    let uses = [of(
        TimestampTz,
        "last_seen last_seen_at last_active_at last_used_at accessed_at last_request_at touched_at heartbeat_at extended_at renewed_at \
         refreshed_at remembered_at",
    )];
    let [ends, holds, neither, lengths, uses] = [&ends[..], &holds, &neither, &lengths, &uses]
        .map(|lists| lists.iter().cloned().flatten().collect::<Vec<_>>());
    let mut asked = 0;
    for table in tables::all() {
        let framework = framework(&table);
        if framework.further == Further::None {
            continue;
        }
        let of = |name: &str, column_type| {
            let mut columns = table.columns.clone();
            columns.push(column(name, column_type));
            recognize("public", &table.name, &columns)
        };
        let own = |name: &str, column_type| {
            framework.knows(name, column_type) || table.columns.iter().any(|c| c.name == name)
        };
        for (name, t) in ends.iter().filter(|(name, t)| !own(name, *t)) {
            let doubt = Doubt::Ends(vec![(*name).to_owned()]);
            assert_eq!(
                of(name, *t),
                Recognition::Unsure(framework, doubt),
                "{name}"
            );
            asked += 1;
        }
        for (name, t) in holds.iter().filter(|(name, t)| !own(name, *t)) {
            let doubt = Doubt::Holds(vec![(*name).to_owned()]);
            asked += 1;
            assert_eq!(
                of(name, *t),
                Recognition::Unsure(framework, doubt),
                "{name}"
            );
        }
        for (name, t) in neither.iter().filter(|(name, t)| !own(name, *t)) {
            assert_eq!(of(name, *t), Recognition::One(framework), "{name}");
        }
        for (name, t) in lengths.iter().filter(|(name, t)| !own(name, *t)) {
            let expected = match framework.lifetime {
                Lifetime::Absolute => Recognition::One(framework),
                _ => Recognition::Unsure(framework, Doubt::Holds(vec![(*name).to_owned()])),
            };
            assert_eq!(of(name, *t), expected, "{name}");
        }
        for (name, t) in uses.iter().filter(|(name, t)| !own(name, *t)) {
            let expected = match framework.lifetime {
                Lifetime::Absolute => Recognition::One(framework),
                _ => Recognition::Unsure(framework, Doubt::Ends(vec![(*name).to_owned()])),
            };
            assert_eq!(of(name, *t), expected, "{name}");
        }
    }
    assert!(asked > 1000);
}

/// A number that is a length of time, a count or a key is no candidate; a time of that name is one, and so is a number that is
/// an instant by its name.
#[test]
fn an_amount_is_no_candidate() {
    for name in "expires_in expiresIn expiresin expires_after expireAfter expire_within expiration_seconds expirationSeconds \
        expiry_days expiryminutes expires_hours expiry_ttl expiration_count updatecount loginCount logins visits updates \
        updated_by updatedBy login_id session_start_no last_login_ip_id created_by_user access_level \
        exp base_exp total_exp exp_points expires_count delete_after end_index valid_until_version SlidingExpirationInSeconds"
        .split_whitespace()
    {
        for number in [ColumnType::Int4, ColumnType::Int8, ColumnType::Float8, ColumnType::Numeric] {
            assert_eq!(candidates(&[column(name, number)]), Vec::<&Column>::new(), "{name}");
        }
        let time = column(name, ColumnType::TimestampTz);
        assert_eq!(candidates(std::slice::from_ref(&time)), [&time], "{name}");
    }
    for name in "expires expires_at expiresAt expires_at_seconds expires_epoch expiry_time_ms expiresAtMs expires_unix_seconds \
        valid_until not_after notAfter last_access last_used account_expires logged_in_at updated_at_sec exp_at token_exp jwt_exp \
        expirydate exptime lastaccess access_time"
        .split_whitespace()
    {
        let number = column(name, ColumnType::Int8);
        assert_eq!(candidates(std::slice::from_ref(&number)), [&number], "{name}");
    }
    let claims = [
        column("jti", ColumnType::Text),
        column("exp", ColumnType::Int8),
    ];
    assert_eq!(candidates(&claims), [&claims[1]]);
}

/// Lower case, words, and more: what the names of columns that hold the past have in common.
#[test]
fn a_name_says_what_a_column_holds() {
    let said = |meaning_said: Meaning, names: &str| {
        for name in names.split_whitespace() {
            assert_eq!(meaning(name), meaning_said, "{name}");
        }
    };
    said(
        Meaning::Expiry,
        "expires expire expired expiry expiration fecha_expiracion date_expiration expire_le expira_em exp exptime expires_at expiresAt ExpiresAtTime EXPIRES_AT expire_date \
         expiry_time expirytime valid_until validUntil valid_to not_after notAfter session_expires sess_expiry",
    );
    said(
        Meaning::End,
        "until paid_until ends_at due_date reset_token_expires accessTokenExpiresAt trial_expires_at delete_at destroyAt closes_on \
         lock_until held_until idle_expires key_expiration \
         ablauf Ablaufdatum gueltig_bis verfällt_am date_fin échéance jusqu_au vencimiento fecha_vencimiento caduca_el validade \
         vence_em data_scadenza scade_il verloopt_op vervaldatum geldig_tot expiracion_token",
    );
    said(
        Meaning::LastUse,
        "last_activity lastActivity LASTACCESS lastaccess lastaccesstime last_login last_used last_seen c_lastseen updated_at \
         updatedAt lastactivityat modified timemodified modified_on changed touched timestamp Timestamp time session_time \
         sess_time date access_time active_at used_at sent_at expiry_checked_at expiryCheckedAt expires_updated lastupdate session_last_visit locked_at rotated_at deleted_at destroyedAt revoked_at closed_on archivedAt ts latest recent previous_use dt \
         read_at paidOn order_date entry_date dateOfPurchase fecha_compra kauf_datum \
         letzte_aktivitaet letzteAktivität aktivita\u{308}t zuletzt_aktiv letzter_zugriff geaendert_am gelesen_am aktualisiert \
         derniere_visite dernière_visite date_dernier_acces modifie_le lu_le maj \
         ultima_actividad último_acceso ultima_visita actualizado_en actualizado_el \
         ultimo_acesso atualizado_em acessado_em última_atividade \
         ultimo_accesso aggiornato_il data_modifica laatste_bezoek laatst_gezien bijgewerkt_op gewijzigd",
    );
    said(
        Meaning::Creation,
        "created_at createdAt createat timecreated c_creationdate inserted_at issued_at started_at session_start signedAt iat \
         nbf not_before reg_date regdate valid_from \
         erstellt_am Erstellungsdatum angelegt_am gueltig_ab créé_le date_creation debut inscription creado_en fecha_creacion \
         fecha_alta inicio criado_em data_criacao cadastro data_creazione inizio aangemaakt_op aanmaakdatum",
    );
    said(
        Meaning::Unclear,
        "at day naive Mixed_Case speed_limit disappears_at x when sess_lifetime max_inactive max_inactive_interval timeout attempts ttl",
    );
}

/// What a framework keeps in a column counts, and not what it calls it, also among other columns.
#[test]
fn a_framework_knows_what_its_column_holds() {
    for table in tables::all() {
        let framework = framework(&table);
        let mut columns = table.columns.clone();
        columns.push(column("more", ColumnType::Other));
        assert_eq!(
            meaning_in(&columns, framework.expires),
            framework.meaning(),
            "{}",
            framework.name
        );
    }
}

/// Of two frameworks whose columns a table has, that one counts by which fewer of its rows have expired.
#[test]
fn of_several_frameworks_the_most_careful_one_says_what_a_column_holds() {
    let tables = tables::all();
    let mut different = 0;
    for one in &tables {
        for other in &tables {
            let meanings = [one, other].map(|table| framework(table).meaning());
            let columns: Vec<_> = one.columns.iter().chain(&other.columns).cloned().collect();
            let both = [one, other].map(|table| {
                framework(table).expires == framework(one).expires
                    && framework(table).has_columns(&columns)
            });
            if both == [true, true] && meanings[0] != meanings[1] {
                different += 1;
                let meaning = meaning_in(&columns, framework(one).expires);
                assert!(
                    meaning >= meanings[0].max(meanings[1]),
                    "{} and {}",
                    one.framework,
                    other.framework
                );
            }
        }
    }
    assert!(different > 0, "no two frameworks could be told apart");
}

#[test]
fn every_framework_says_all_that_its_columns_need() {
    for framework in frameworks() {
        let context = framework.name;
        let found = framework.columns.iter().find(|c| c.0 == framework.expires);
        let (_, expect) = found.unwrap_or_else(|| panic!("{context}: expires is not a column"));
        let number = expect.accepts(ColumnType::Int8);
        let naive = expect.accepts(ColumnType::Timestamp);
        assert!(number || naive || expect.accepts(ColumnType::TimestampTz));
        assert_eq!(framework.unit.is_some(), number, "{context}");
        assert_eq!(framework.zone != Zone::NotNaive, naive, "{context}");
        let needs_keep = framework.lifetime != Lifetime::Absolute;
        assert!(needs_keep || framework.usual_keep.is_none(), "{context}");
        assert!(!framework.names.is_empty(), "{context}");
        let names: BTreeSet<_> = framework.columns.iter().map(|c| c.0).collect();
        assert_eq!(names.len(), framework.columns.len(), "{context}");
    }
}

#[test]
fn candidates_are_named_best_guess_first() {
    let columns = [
        column("id", ColumnType::Int8),
        column("created_at", ColumnType::Timestamp),
        column("day", ColumnType::Date),
        column("LastAccess", ColumnType::Int8),
        column("attempts", ColumnType::Int4),
        column("expires", ColumnType::Text),
        column("expiresAt", ColumnType::TimestampTz),
        column("not_after", ColumnType::Numeric),
        column("active", ColumnType::Bool),
    ];
    let names: Vec<_> = candidates(&columns).iter().map(|c| &c.name[..]).collect();
    let expected = ["expiresAt", "not_after", "LastAccess", "created_at", "day"];
    assert_eq!(names, expected);
}

#[test]
fn the_column_that_a_framework_uses_is_a_candidate() {
    for table in tables::all() {
        let expires = framework(&table).expires;
        let found = candidates(&table.columns).iter().any(|c| c.name == expires);
        assert!(found, "{}", table.framework);
    }
}

fn any_table() -> impl Strategy<Value = Table> {
    prop::sample::select(tables::all())
}

/// Those whose columns may say that a row stays, whatever their names.
fn is_of_staying(column_type: ColumnType) -> bool {
    matches!(
        column_type,
        ColumnType::Bool
            | ColumnType::TimestampTz
            | ColumnType::Timestamp
            | ColumnType::Date
            | ColumnType::Interval
            | ColumnType::Range
    )
}

fn any_type() -> impl Strategy<Value = ColumnType> {
    prop::sample::select(&TYPES[..]).prop_filter("asked about", |t| !is_of_staying(*t))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_columns_does_not_matter(
        (table, columns) in any_table()
            .prop_flat_map(|table| (Just(table.clone()), Just(table.columns).prop_shuffle()))
    ) {
        prop_assert_eq!(name(&recognize("public", &table.name, &columns)), Some(framework(&table).name));
    }

    /// No framework's column begins with an x, and no word that is known is made of these letters.
    #[test]
    fn an_unknown_column_that_needs_a_value_rules_out_a_framework_that_does_not_fill_it_in(
        table in any_table(),
        unknown in "x[bcfgq_]{0,8}",
        column_type in any_type(),
    ) {
        let mut columns = table.columns.clone();
        columns.push(Column { required: true, ..column(&unknown, column_type) });
        let framework = framework(&table);
        let sites_add = framework.further == Further::Any;
        let expected = sites_add.then_some(framework.name);
        prop_assert_eq!(name(&recognize("public", &table.name, &columns)), expected);
        // There, too, only where the name says what is in the table.
        prop_assert_eq!(name(&recognize("public", "records", &columns)), None);
    }

    #[test]
    fn an_instant_or_a_condition_of_an_unknown_name_is_a_question(
        table in any_table(),
        unknown in "x[bcfg]{0,8}",
        column_type in prop::sample::select(&TYPES[..]).prop_filter("none", |t| is_of_staying(*t)),
    ) {
        let mut columns = table.columns.clone();
        columns.push(column(&unknown, column_type));
        let framework = framework(&table);
        let is_hold = matches!(column_type, ColumnType::Bool | ColumnType::Interval);
        let doubt = if is_hold { Doubt::Holds } else { Doubt::Ends };
        let expected = match framework.further {
            Further::None => Recognition::None,
            _ => Recognition::Unsure(framework, doubt(vec![unknown])),
        };
        prop_assert_eq!(recognize("public", &table.name, &columns), expected);
    }

    /// No word that is known begins with a q. A cache is one of whatever it is.
    #[test]
    fn an_unknown_word_in_the_tables_name_leaves_common_columns_a_question(
        table in any_table(),
        word in "q[a-z]{1,8}",
        joint in "_?",
    ) {
        let framework = framework(&table);
        let of_sessions = framework.names.contains(&"sess") && is_of_sessions(&table.name);
        let mut columns = table.columns.iter();
        let is_open = framework.common || !columns.all(|one| framework.knows(&one.name, one.column_type));
        let recognition = recognize("public", &format!("{word}{joint}{}", table.name), &table.columns);
        if is_open && of_sessions {
            prop_assert!(matches!(recognition, Recognition::Unsure(of, _) if of == framework));
        } else if !is_open {
            prop_assert_eq!(recognition, Recognition::One(framework));
        }
    }

    #[test]
    fn an_unknown_column_rules_out_a_framework_whose_columns_are_common(
        table in any_table(),
        further in prop::collection::vec(("x[bcfgq_]{0,8}", any_type()), 1..5),
    ) {
        let mut columns = table.columns.clone();
        columns.extend(further.iter().map(|(name, t)| column(name, *t)));
        let framework = framework(&table);
        let expected = (framework.further != Further::None).then_some(framework.name);
        prop_assert_eq!(name(&recognize("public", &table.name, &columns)), expected);
    }
}
