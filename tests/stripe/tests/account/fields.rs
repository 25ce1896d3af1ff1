//! The fields that Stripe's published types give each object, by version.
//!
//! Invariant: a mark stands for each version of [`Generation::EVERY`](scrip_stripe_model::Generation::EVERY),
//! oldest first: `!` the field is always there, `?` it may be, `-` the types of that version don't have it.

/// An object's fields, grouped by their marks.
pub type Fields = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// By the object's name, its marks and the fields that have them.
pub const PUBLISHED: Fields = &[
    (
        "checkout.session",
        &[
            (
                "!!!!!",
                "id object after_expiration allow_promotion_codes amount_subtotal amount_total \
                 automatic_tax billing_address_collection cancel_url client_reference_id \
                 consent consent_collection currency customer customer_creation \
                 customer_details customer_email expires_at livemode locale metadata mode \
                 payment_intent payment_link payment_method_options payment_method_types \
                 payment_status recovered_from setup_intent shipping_address_collection \
                 shipping_cost shipping_options status submit_type subscription success_url \
                 total_details url",
            ),
            ("?????", "line_items phone_number_collection tax_id_collection"),
            ("!!---", "shipping_details"),
            (
                "-!!!!",
                "adaptive_pricing client_secret created currency_conversion custom_fields \
                 custom_text discounts invoice invoice_creation payment_method_collection \
                 payment_method_configuration_details saved_payment_method_options ui_mode",
            ),
            ("-?!!!", "collected_information"),
            ("-????", "redirect_on_completion return_url"),
            ("--???", "optional_items presentment_details"),
            ("--!!!", "origin_context permissions wallet_options"),
            ("---??", "branding_settings excluded_payment_method_types name_collection"),
            ("----!", "customer_account integration_identifier"),
        ],
    ),
    (
        "invoice",
        &[
            ("?!?!!", "id"),
            (
                "!!!!!",
                "object account_country account_name account_tax_ids amount_due amount_paid \
                 amount_remaining application attempt_count attempted automatic_tax \
                 billing_reason collection_method created currency custom_fields customer \
                 customer_address customer_email customer_name customer_phone customer_shipping \
                 customer_tax_exempt default_payment_method default_source default_tax_rates \
                 description discounts due_date ending_balance footer last_finalization_error \
                 lines livemode metadata next_payment_attempt number on_behalf_of \
                 payment_settings period_end period_start post_payment_credit_notes_amount \
                 pre_payment_credit_notes_amount receipt_number starting_balance \
                 statement_descriptor status status_transitions subtotal subtotal_excluding_tax \
                 test_clock total total_discount_amounts total_excluding_tax \
                 webhooks_delivered_at",
            ),
            (
                "!!---",
                "application_fee_amount charge discount paid paid_out_of_band payment_intent \
                 quote subscription tax total_tax_amounts transfer_data",
            ),
            (
                "?????",
                "auto_advance customer_tax_ids deleted hosted_invoice_url invoice_pdf \
                 threshold_reason",
            ),
            ("!----", "rendering_options"),
            ("??---", "subscription_proration_date"),
            (
                "-!!!!",
                "amount_shipping automatically_finalizes_at effective_at from_invoice issuer \
                 latest_revision rendering shipping_cost shipping_details \
                 total_pretax_credit_amounts",
            ),
            ("-!---", "subscription_details"),
            ("--!!!", "amount_overpaid parent total_taxes"),
            ("--???", "confirmation_secret payments"),
            ("----!", "customer_account"),
        ],
    ),
    (
        "line_item",
        &[
            (
                "!!!!!",
                "id object amount currency description discount_amounts discountable discounts \
                 livemode metadata period quantity subscription",
            ),
            (
                "!!---",
                "amount_excluding_tax plan price proration proration_details type \
                 unit_amount_excluding_tax",
            ),
            ("??---", "invoice_item subscription_item"),
            ("?!---", "tax_amounts tax_rates"),
            ("-!!!!", "invoice pretax_credit_amounts"),
            ("--!!!", "parent pricing taxes"),
            ("----!", "quantity_decimal subtotal"),
        ],
    ),
    (
        "subscription",
        &[
            (
                "!!!!!",
                "id object application application_fee_percent automatic_tax \
                 billing_cycle_anchor billing_thresholds cancel_at cancel_at_period_end \
                 canceled_at collection_method created customer days_until_due \
                 default_payment_method default_source description ended_at items \
                 latest_invoice livemode metadata next_pending_invoice_item_invoice \
                 pause_collection payment_settings pending_invoice_item_interval \
                 pending_setup_intent pending_update schedule start_date status test_clock \
                 transfer_data trial_end trial_start",
            ),
            ("?!!!!", "currency"),
            ("!!---", "current_period_end current_period_start discount"),
            ("?????", "default_tax_rates"),
            (
                "-!!!!",
                "billing_cycle_anchor_config cancellation_details discounts invoice_settings \
                 on_behalf_of trial_settings",
            ),
            ("--!!!", "billing_mode"),
            ("----!", "customer_account"),
            ("----?", "presentment_details"),
        ],
    ),
    (
        "subscription_item",
        &[
            (
                "!!!!!",
                "id object billing_thresholds created metadata plan price subscription \
                 tax_rates",
            ),
            ("?????", "deleted quantity"),
            ("-!!!!", "discounts"),
            ("--!!!", "current_period_end current_period_start"),
        ],
    ),
    (
        "payment_intent",
        &[
            (
                "!!!!!",
                "id object amount amount_capturable amount_received application \
                 application_fee_amount automatic_payment_methods canceled_at \
                 cancellation_reason capture_method client_secret confirmation_method created \
                 currency customer description last_payment_error livemode metadata next_action \
                 on_behalf_of payment_method payment_method_options payment_method_types \
                 processing receipt_email review setup_future_usage shipping source \
                 statement_descriptor statement_descriptor_suffix status transfer_group",
            ),
            ("?????", "amount_details"),
            ("!----", "charges"),
            ("!!---", "invoice"),
            ("!!!!?", "transfer_data"),
            ("-!!!!", "latest_charge payment_method_configuration_details"),
            ("--!!!", "excluded_payment_method_types"),
            ("--???", "presentment_details"),
            ("---??", "payment_details"),
            ("----!", "customer_account"),
            ("----?", "hooks"),
        ],
    ),
    (
        "charge",
        &[
            (
                "!!!!!",
                "id object amount amount_captured amount_refunded application application_fee \
                 application_fee_amount balance_transaction billing_details \
                 calculated_statement_descriptor captured created currency customer description \
                 disputed failure_balance_transaction failure_code failure_message \
                 fraud_details livemode metadata on_behalf_of outcome paid payment_intent \
                 payment_method payment_method_details receipt_email receipt_number receipt_url \
                 refunded review shipping source source_transfer statement_descriptor \
                 statement_descriptor_suffix status transfer_data transfer_group",
            ),
            ("?----", "alternate_statement_descriptors"),
            ("?????", "authorization_code level3 radar_options transfer"),
            ("!----", "destination dispute"),
            ("!!---", "invoice"),
            ("!????", "refunds"),
            ("--???", "presentment_details"),
        ],
    ),
    (
        "refund",
        &[
            (
                "!!!!!",
                "id object amount balance_transaction charge created currency metadata \
                 payment_intent reason receipt_number source_transfer_reversal status \
                 transfer_reversal",
            ),
            (
                "?????",
                "description failure_balance_transaction failure_reason instructions_email \
                 next_action",
            ),
            ("-????", "destination_details"),
            ("--???", "pending_reason presentment_details"),
        ],
    ),
    (
        "dispute",
        &[
            (
                "!!!!!",
                "id object amount balance_transactions charge created currency evidence \
                 evidence_details is_charge_refundable livemode metadata payment_intent reason \
                 status",
            ),
            ("?????", "network_reason_code"),
            ("-!!!!", "enhanced_eligibility_types"),
            ("-????", "payment_method_details"),
        ],
    ),
    (
        "invoice_payment",
        &[(
            "--!!!",
            "id object amount_paid amount_requested created currency invoice is_default \
                 livemode payment status status_transitions",
        )],
    ),
    (
        "discount",
        &[
            (
                "!!!!!",
                "id object checkout_session customer end invoice invoice_item promotion_code \
                 start subscription",
            ),
            ("!!!--", "coupon"),
            ("?????", "deleted"),
            ("-!!!!", "subscription_item"),
            ("---!!", "source"),
            ("----!", "customer_account"),
        ],
    ),
    (
        "coupon",
        &[
            (
                "!!!!!",
                "id object amount_off created currency duration duration_in_months livemode \
                 max_redemptions metadata name percent_off redeem_by times_redeemed valid",
            ),
            ("?????", "applies_to currency_options deleted"),
        ],
    ),
    (
        "price",
        &[
            (
                "!!!!!",
                "id object active billing_scheme created currency custom_unit_amount livemode \
                 lookup_key metadata nickname product recurring tax_behavior tiers_mode \
                 transform_quantity type unit_amount unit_amount_decimal",
            ),
            ("?????", "currency_options deleted tiers"),
        ],
    ),
    (
        "plan",
        &[
            (
                "!!!!!",
                "id object active amount amount_decimal billing_scheme created currency \
                 interval interval_count livemode metadata nickname product tiers_mode \
                 transform_usage trial_period_days usage_type",
            ),
            ("!!---", "aggregate_usage"),
            ("?????", "deleted tiers"),
            ("-!!!!", "meter"),
        ],
    ),
];
