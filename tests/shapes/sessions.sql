-- Session tables and caches as sites have them: other names, wider types, columns of their own. Each is recognized as what
-- the line before it says. One a line.
-- Django sessions
CREATE TABLE sessions_customsession (session_key character varying(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamp with time zone NOT NULL, account_id integer NOT NULL);
-- Django sessions
CREATE TABLE core_usersession (session_key character varying(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamp with time zone NOT NULL, user_id uuid, ip inet, user_agent text NOT NULL, last_seen timestamp with time zone NOT NULL);
-- Django sessions
CREATE TABLE "DJANGO_SESSION" (session_key text PRIMARY KEY, session_data text, expire_date timestamp with time zone);
-- Django database cache
CREATE TABLE pages (cache_key character varying(255) PRIMARY KEY, value text NOT NULL, expires timestamp with time zone NOT NULL);
-- connect-pg-simple
CREATE TABLE user_sessions (sid text PRIMARY KEY, sess jsonb NOT NULL, expire timestamp without time zone NOT NULL, user_id bigint, created_at timestamp with time zone DEFAULT now());
-- connect-pg-simple, timestamptz
CREATE TABLE web_state (sid character varying PRIMARY KEY, sess json NOT NULL, expire timestamp(6) with time zone NOT NULL);
-- connect-session-sequelize
CREATE TABLE "UserSessions" (sid character varying(36) PRIMARY KEY, expires timestamp with time zone, data text, "createdAt" timestamp with time zone NOT NULL, "updatedAt" timestamp with time zone NOT NULL, "userId" integer);
-- connect-typeorm
CREATE TABLE user_session (id character varying(255) PRIMARY KEY, "expiredAt" bigint NOT NULL, json text NOT NULL, "destroyedAt" timestamp without time zone);
-- Laravel sessions
CREATE TABLE web_state_of_users (id character varying(255) PRIMARY KEY, user_id uuid, ip_address character varying(45), user_agent text, payload text NOT NULL, last_activity bigint NOT NULL);
-- Laravel 5.1 sessions
CREATE TABLE laravel_sessions (id character varying(255) PRIMARY KEY, payload text NOT NULL, last_activity integer NOT NULL);
-- Laravel sessions
CREATE TABLE sessions (id character varying(255) PRIMARY KEY, user_id character varying(26), ip_address character varying(45), user_agent text, payload text NOT NULL, last_activity integer NOT NULL, tenant_id bigint);
-- Laravel cache
CREATE TABLE laravel_cache (key character varying(255) PRIMARY KEY, value text NOT NULL, expiration bigint NOT NULL);
-- Laravel cache locks
CREATE TABLE app_cache_locks (key character varying(255) PRIMARY KEY, owner character varying(255) NOT NULL, expiration integer NOT NULL);
-- Symfony PdoSessionHandler
CREATE TABLE php_sessions (sess_id character varying(128) PRIMARY KEY, sess_data bytea NOT NULL, sess_lifetime bigint NOT NULL, sess_time bigint NOT NULL, user_id bigint);
-- Yii 2 DbSession
CREATE TABLE yii_session (id character(40) PRIMARY KEY, expire bigint, data bytea, user_id bigint, last_write integer);
-- CakePHP
CREATE TABLE cake_sessions (id character(40) PRIMARY KEY, created timestamp without time zone DEFAULT now(), modified timestamp without time zone, data bytea, expires integer);
-- CodeIgniter 3
CREATE TABLE ci_sessions (id character varying(40) NOT NULL, ip_address character varying(45) NOT NULL, "timestamp" integer DEFAULT 0 NOT NULL, data text DEFAULT '' NOT NULL);
-- activerecord-session_store
CREATE TABLE web_sessions (id uuid PRIMARY KEY, session_id character varying NOT NULL, data jsonb, created_at timestamp(6) without time zone NOT NULL, updated_at timestamp(6) without time zone NOT NULL);
-- Rails authentication
CREATE TABLE admin_sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL, ip_address character varying, user_agent text, created_at timestamp(6) without time zone NOT NULL, updated_at timestamp(6) without time zone NOT NULL);
-- Auth.js, timestamp
CREATE TABLE "Session" (id text PRIMARY KEY, "sessionToken" text NOT NULL, "userId" integer NOT NULL, expires timestamp(3) without time zone NOT NULL);
-- Auth.js, snake case
CREATE TABLE auth_session (session_token uuid PRIMARY KEY, user_id uuid NOT NULL, expires timestamp with time zone NOT NULL);
-- better-auth
CREATE TABLE betterauth_session (id uuid PRIMARY KEY, "expiresAt" timestamp with time zone NOT NULL, token text NOT NULL, "createdAt" timestamp with time zone NOT NULL, "updatedAt" timestamp with time zone NOT NULL, "ipAddress" text, "userAgent" text, "userId" uuid NOT NULL, "activeOrganizationId" text, "impersonatedBy" text, device text NOT NULL);
-- better-auth, snake case
CREATE TABLE app_sessions (id text PRIMARY KEY, expires_at timestamp with time zone NOT NULL, token text NOT NULL, created_at timestamp with time zone NOT NULL, updated_at timestamp with time zone NOT NULL, ip_address text, user_agent text, user_id integer NOT NULL, active_team_id text);
-- Lucia 3
CREATE TABLE auth_user_sessions (id text PRIMARY KEY, user_id bigint NOT NULL, expires_at timestamp with time zone NOT NULL);
-- Directus
CREATE TABLE directus_sessions (token character varying(64) PRIMARY KEY, "user" uuid, expires timestamp with time zone NOT NULL, ip character varying(255), user_agent text);
-- Payload
CREATE TABLE customers_sessions (_order integer NOT NULL, _parent_id uuid NOT NULL, id character varying PRIMARY KEY, created_at timestamp(3) with time zone, expires_at timestamp(3) with time zone NOT NULL);
-- SCS
CREATE TABLE http_session (token text PRIMARY KEY, data bytea NOT NULL, expiry timestamp with time zone NOT NULL);
-- Gitea
CREATE TABLE forgejo_session (key character(16) PRIMARY KEY, data bytea, expiry bigint);
-- Fiber storage
CREATE TABLE rate_limiter (k character varying(64) PRIMARY KEY, v bytea NOT NULL, e integer DEFAULT 0 NOT NULL);
-- Spring Session JDBC
CREATE TABLE shop_http_state (primary_id character varying(36) PRIMARY KEY, session_id character varying(36) NOT NULL, creation_time bigint NOT NULL, last_access_time bigint NOT NULL, max_inactive_interval bigint NOT NULL, expiry_time bigint NOT NULL, principal_name text);
-- Phoenix phx.gen.auth
CREATE TABLE members_tokens (id uuid PRIMARY KEY, member_id uuid NOT NULL, token bytea NOT NULL, context character varying(255) NOT NULL, sent_to text, authenticated_at timestamp(0) without time zone, inserted_at timestamp(0) without time zone NOT NULL);
-- ASP.NET Core distributed cache
CREATE TABLE "SessionCache" ("Id" text PRIMARY KEY, "Value" bytea, "ExpiresAtTime" timestamp with time zone, "SlidingExpirationInSeconds" double precision, "AbsoluteExpiration" timestamp with time zone);
-- Flask-Session
CREATE TABLE flask_sessions (id bigserial PRIMARY KEY, session_id character varying(255), data bytea, expiry timestamp without time zone);
-- Keycloak
CREATE TABLE offline_user_session (user_session_id character varying(36) NOT NULL, realm_id character varying(36) NOT NULL, user_id character varying(255) NOT NULL, created_on bigint NOT NULL, offline_flag character varying(4) NOT NULL, last_session_refresh bigint DEFAULT 0 NOT NULL, data text, version integer DEFAULT 0, PRIMARY KEY (user_session_id, offline_flag));
-- CodeIgniter 3
CREATE TABLE ci_sessions (id character varying(128) NOT NULL PRIMARY KEY, ip_address inet NOT NULL, "timestamp" bigint DEFAULT 0 NOT NULL, data text DEFAULT '' NOT NULL);
-- CakePHP
CREATE TABLE sessions (id character(40) PRIMARY KEY, data text, expires integer NOT NULL);
-- MediaWiki object cache
CREATE TABLE objectcache (keyname text DEFAULT '' PRIMARY KEY, value text, exptime timestamp with time zone NOT NULL);
-- Roundcube cache of mailboxes
CREATE TABLE cache_messages (user_id integer NOT NULL, mailbox character varying(255) NOT NULL, uid bigint NOT NULL, expires timestamp with time zone, data text NOT NULL, flags integer DEFAULT 0 NOT NULL, PRIMARY KEY (user_id, mailbox, uid));
-- Yii 2 DbSession
CREATE TABLE session (id character(40) NOT NULL PRIMARY KEY, expire integer, data bytea);
-- Django sessions
CREATE TABLE web_user_session (session_key character varying(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamp with time zone NOT NULL, logout_at timestamp with time zone, logged_out boolean, remember_me boolean, keepalive_at timestamp with time zone, endpoint text, account_holder text, revoked_at timestamp with time zone, deleted_at timestamp with time zone, request_count integer, idle_timeout integer, is_expired boolean);
-- connect-pg-simple
CREATE TABLE logged_in_users_session_v2 (sid character varying PRIMARY KEY, sess json NOT NULL, expire timestamp(6) without time zone NOT NULL);
